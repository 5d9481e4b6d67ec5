"""`satcom terminal` as a whole: where terminals are, how they come and go back, and swaps at a site."""

from satcom.app.commands.terminal import terminal
from satcom.app.commands.terminal_supply import (
    buy,
    follow,
    inspect,
    purchases,
    receive,
    send_back,
    shelve,
    ship,
)

for one in (purchases, buy, ship, follow, receive, shelve, inspect):
    terminal.command()(one)
terminal.command("return")(send_back)
