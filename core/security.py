"""Who may do what: roles, capabilities, and the access tokens that carry them.

A role is a job in the operator's house or outside it; a capability is one thing that can be done. The table below is
the whole of it. A token is 256 random bits; only its SHA-256 is kept: so much
entropy cannot be guessed from a hash.
"""

import hashlib
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from satcom.core.errors import NotAllowed

TOKEN_PREFIX = "satcom_"


class Role(StrEnum):
    ADMINISTRATOR = "administrator"
    PRODUCT_MANAGER = "productManager"
    SALES = "sales"
    PROVISIONING = "provisioning"
    NOC = "noc"
    PLANNING = "planning"
    FINANCE = "finance"
    SUPPLY = "supply"
    MIGRATION = "migration"
    PARTNER = "partner"
    CUSTOMER = "customer"


class Capability(StrEnum):
    """One thing that can be done."""

    READ_CATALOG = "read the catalogue"
    DESIGN_OFFERS = "design offers"
    READ_PARTIES = "read parties, customers and accounts"
    KEEP_CUSTOMERS = "keep parties, customers and accounts"
    QUALIFY = "ask what can be delivered where"
    READ_ORDERS = "read product orders and products"
    ORDER = "order and cancel products"
    APPROVE_ORDERS = "approve orders that their role is asked for"
    KEEP_APPROVAL_RULES = "say which orders are approved by whom"
    READ_BILLS = "read bills"
    ASK_FOR_BILLS = "ask for a bill"
    KEEP_ACCOUNTS = "keep terms of billing, and party, settlement and financial accounts"
    READ_SERVICES = "read services, service orders and tests"
    TEST_SERVICES = "record tests of services"
    READ_APPOINTMENTS = "read installations, their appointments and what is free"
    BOOK_APPOINTMENTS = "book, move and cancel appointments"
    ATTEND_APPOINTMENTS = "say what came of an appointment"
    READ_NETWORK = "read resources and resource orders"
    PLAN_FLEET = "keep the dates and milestones of satellites"
    READ_RESERVATIONS = "read reservations"
    KEEP_POOLS = "form pools of resources"
    HOLD_CAPACITY = "hold capacity, extend holds and give them back"
    READ_SUPPLY = "read stock and purchase orders"
    SWAP_TERMINALS = "swap faulty terminals at sites"
    SUPPLY = "receive and order equipment"
    READ_AGREEMENTS = "read agreements and partnerships"
    KEEP_AGREEMENTS = "conclude agreements and engage partners"
    READ_PARTNER_CAPACITY = "read what is held and ordered at partners, with its cost"
    READ_FLOWS = "read process flows"
    REPAIR_FLOWS = "retry, skip and re-date tasks"
    MIGRATE = "load existing data into the inventories"
    SEE_CHANGES = "read the change log"
    LISTEN = "register listeners for events"
    KEEP_LISTENERS = "park, resume and remove the listeners of others"
    KEEP_OPERATOR = "change the operator's settings"
    KEEP_TOKENS = "create and revoke access tokens"


_ROLES: dict[Capability, str] = {
    Capability.READ_CATALOG: "productManager sales provisioning noc planning finance supply migration partner customer",
    Capability.DESIGN_OFFERS: "productManager",
    Capability.READ_PARTIES: "productManager sales provisioning noc planning finance supply migration partner customer",
    Capability.KEEP_CUSTOMERS: "sales migration",
    Capability.QUALIFY: "productManager sales provisioning noc planning partner customer",
    Capability.READ_ORDERS: "productManager sales provisioning noc planning finance supply migration partner customer",
    Capability.ORDER: "sales provisioning customer",
    Capability.APPROVE_ORDERS: "sales finance",
    Capability.KEEP_APPROVAL_RULES: "finance",
    Capability.READ_BILLS: "sales finance customer",
    Capability.ASK_FOR_BILLS: "sales finance customer",
    Capability.KEEP_ACCOUNTS: "finance",
    Capability.READ_SERVICES: "productManager sales provisioning noc planning migration customer",
    Capability.TEST_SERVICES: "noc",
    Capability.READ_APPOINTMENTS: "sales provisioning noc supply customer",
    Capability.BOOK_APPOINTMENTS: "sales provisioning customer",
    Capability.ATTEND_APPOINTMENTS: "noc supply",
    Capability.READ_NETWORK: "productManager provisioning noc planning migration",
    Capability.PLAN_FLEET: "planning",
    Capability.READ_RESERVATIONS: "productManager sales provisioning noc planning migration",
    Capability.KEEP_POOLS: "noc planning",
    Capability.HOLD_CAPACITY: "sales provisioning noc",
    Capability.READ_SUPPLY: "provisioning noc finance supply migration",
    Capability.SWAP_TERMINALS: "provisioning noc",
    Capability.SUPPLY: "supply",
    Capability.READ_AGREEMENTS: "productManager sales provisioning finance supply migration",
    Capability.KEEP_AGREEMENTS: "supply",
    Capability.READ_PARTNER_CAPACITY: "sales provisioning noc finance supply",
    Capability.READ_FLOWS: "sales provisioning noc planning supply customer",
    Capability.REPAIR_FLOWS: "noc",
    Capability.MIGRATE: "migration",
    Capability.SEE_CHANGES: "noc finance",
    Capability.LISTEN: "productManager sales provisioning noc planning finance supply migration partner customer",
    Capability.KEEP_LISTENERS: "noc",
    Capability.KEEP_OPERATOR: "",
    Capability.KEEP_TOKENS: "",
}
MAY: dict[Capability, frozenset[Role]] = {
    capability: frozenset(Role(name) for name in names.split()) | {Role.ADMINISTRATOR}
    for capability, names in _ROLES.items()
}
OUTSIDE = frozenset({Role.CUSTOMER, Role.PARTNER})
CUSTOMER_ROLE: Final = Role.CUSTOMER.value  # of a related party, too
MIGRATION: Final = Role.MIGRATION.value  # marks in the change log what came from elsewhere


@dataclass(frozen=True)
class Principal:
    """Who is asking. `parties` are those whose rows may be seen; staff of the operator see all of them."""

    name: str
    roles: frozenset[Role]
    party_id: str | None
    parties: frozenset[str]
    all_parties: bool

    @property
    def identity(self) -> str:
        """Tells callers of the same name apart by their party."""
        return f"{self.name} of {self.party_id}" if self.party_id else self.name

    def may(self, capability: Capability) -> bool:
        return bool(MAY[capability] & self.roles)

    def need(self, capability: Capability) -> None:
        """Raises `NotAllowed` naming what is missing and which roles have it."""
        if not self.may(capability):
            able = ", ".join(sorted(MAY[capability]))
            raise NotAllowed(f"{self.name} may not {capability.value}; roles that may: {able}")


WORKER = Principal("worker", frozenset({Role.ADMINISTRATOR}), None, frozenset(), all_parties=True)


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_signing_secret() -> bytes:
    """What events to one listener are signed with."""
    return secrets.token_bytes(32)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
