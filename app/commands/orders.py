"""`satcom order` as a whole: orders, changes of what they delivered, their history, graph and waits."""

from satcom.app.commands.change_order import modify, terminate
from satcom.app.commands.order import order
from satcom.app.commands.order_graph import graph
from satcom.app.commands.order_history import history
from satcom.app.commands.waits import waits

order.command()(modify)
order.command()(terminate)
order.command()(history)
order.command()(graph)
order.command()(waits)
