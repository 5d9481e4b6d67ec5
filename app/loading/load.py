"""`satcom load`: an operator's files become its data, all or nothing, and again without doubling.

Everything goes through the commands of the layers, so a file can do nothing that they refuse, and is marked in the
change log as brought from elsewhere.
"""

from pathlib import Path

from satcom.app.loading.carriers import load_carriers
from satcom.app.loading.catalogue import load_catalogue
from satcom.app.loading.categories import load_candidates, load_categories
from satcom.app.loading.customers import load_customers
from satcom.app.loading.escalations import load_escalations
from satcom.app.loading.files import read_file, read_folder
from satcom.app.loading.loading import Change, Load, Progress, untold
from satcom.app.loading.network import load_network, load_pools
from satcom.app.loading.operator import load_operator
from satcom.app.loading.partners import load_partners
from satcom.app.loading.sites import load_sites
from satcom.app.loading.supply import load_stock, load_suppliers
from satcom.core.database import Database, lock_key
from satcom.core.security import MIGRATION


def load(
    database: Database, path: Path, dry_run: bool, by: str, kind: str | None = None, progress: Progress = untold
) -> list[Change]:
    """Load a folder, or a file that is a list of `kind`; `by` is who asked. A dry run tells it and writes nothing.

    Raises `Refused` with every fault, naming file, entry, line and key; then nothing is loaded.
    """
    files = read_file(path, kind) if kind is not None or path.is_file() else read_folder(path)
    with database.as_worker(by) as session, session.begin_nested() as everything:
        session.info["mark"] = MIGRATION
        lock_key(session.connection(), "load")  # two at once would both find nothing there
        loading = Load(session, files, progress)
        load_operator(loading)
        load_escalations(loading)
        load_suppliers(loading)
        load_partners(loading)
        load_network(loading)
        load_stock(loading)
        load_categories(loading)
        load_catalogue(loading)
        load_candidates(loading)
        load_customers(loading)
        load_sites(loading)
        load_carriers(loading)
        load_pools(loading)
        loading.refuse()
        if dry_run:
            everything.rollback()
    return loading.changes
