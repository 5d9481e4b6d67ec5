"""The commands that ask and change the database of this installation, bound to it."""

from satcom.app.commands.constellation_coverage import constellation_coverage_command
from satcom.app.commands.coverage import coverage_command
from satcom.app.commands.elements import elements_commands
from satcom.app.commands.load import load_command
from satcom.app.commands.manoeuvres import manoeuvres_command
from satcom.app.commands.passes import passes_command
from satcom.app.commands.planned_events import eclipses_command, sun_outages_command
from satcom.app.commands.simulate_hub import simulate_hub_command
from satcom.app.commands.spectrum_import import import_command
from satcom.app.opened_database import database, whoever_types
from satcom.app.qualify import qualify_command
from satcom.app.qualify_lease import qualify_lease_command

load = load_command(database, whoever_types)
spectrum_import = import_command(database, whoever_types)
elements = elements_commands(database, whoever_types)
coverage = coverage_command(database)
constellation_coverage = constellation_coverage_command(database)
qualify = qualify_command(database)
qualify_lease = qualify_lease_command(database)
sun_outages = sun_outages_command(database)
eclipses = eclipses_command(database)
manoeuvres = manoeuvres_command(database)
passes = passes_command(database)
simulate_hub = simulate_hub_command(database)
