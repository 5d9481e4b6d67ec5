"""Satellites that are to come: leases on one are sold, its day slips while they wait, and then it carries traffic."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Final

from satcom.core.values import Json, instant_text
from satcom.orchestration.operations.awaited_satellite import first_moment
from tests.crash.agreement import state_of
from tests.crash.an_installation import Installation
from tests.crash.office import Body, Kind, Office
from tests.crash.shared_time import SharedTime
from tests.crash.sold import Offers, Sold

RESOURCES: Final = "/tmf-api/resourceInventoryManagement/v4/resource"
RESERVATIONS: Final = "/tmf-api/resourcePoolManagement/v4/reservation"
CHANGES: Final = "/satcom-api/planning/v1/inServiceDateChange"
MILESTONES: Final = "/satcom-api/resource/v1/satelliteMilestone"
MHZ: Final = 1_000_000
SOLD: Final = [(Sold.LEASE, kind) for kind in (*[Kind.PATIENT] * 2, Kind.RAINED_ON, Kind.IMPATIENT, Kind.FICKLE)]
PLANNED_IN: Final = timedelta(days=2)
SLIPS: Final = (timedelta(days=2), timedelta(days=-1))  # the other way it comes a little earlier again
LIFE: Final = ("underConstruction", "launched", "inOrbitTest", "inService")


class Programme:
    """One satellite after the other. `wrong` is what a slip did not move."""

    def __init__(self, installation: Installation, random: Random, offers: Offers, time: SharedTime) -> None:
        self.installation, self.random, self.offers, self.time = installation, random, offers, time
        self.satellites: list[str] = []
        self.office = Office(installation, random, offers)
        self.slips, self.proposals = 0, 0
        self.wrong: list[str] = []
        self.offices: list[Office] = []

    def step(self, more: bool) -> None:
        """See how far all are, and do what is due; with `more` the next satellite follows when all leases are over."""
        if self.office.stories:
            self.office.step()
        waits = self.office.waits()
        waiting = waits["satellite_is_in_service"]
        patient = [one.reference for one in self.office.open() if one.kind is Kind.PATIENT]
        if self.slips <= len(SLIPS) and self.office.open() and set(patient) <= waiting:
            if self.slips < len(SLIPS):
                self._slip()
            else:
                self._enter_service()
        elif self.office.open() and waits["start_date_is_here"]:
            self.time.set_forward(self.start)
        elif more and not self.office.open():
            self._begin()

    def open(self) -> bool:
        return bool(self.office.open())

    def _begin(self) -> None:
        number = len(self.satellites) + 1
        self.day, self.slips = self.time.now().date() + PLANNED_IN, 0
        self.satellites.append(self._a_satellite(f"Coming {number}"))
        self.start = first_moment(self.day)
        offers = replace(self.offers, satellite=self.satellites[-1], start=instant_text(self.start))
        self.office = Office(self.installation, self.random, offers, first=number * 1000)
        self.offices.append(self.office)
        self.office.place_each(self.random.sample(SOLD, len(SOLD)))

    def _slip(self) -> None:
        """Whom it touches is shown, and it is confirmed. Whoever cancels meanwhile makes it another list: 409."""
        to, self.proposals = self.day + SLIPS[self.slips], self.proposals + 1
        wanted: Body = {"satellite": {"id": self.satellites[-1]}, "inServiceDate": str(to), "reason": "the launcher"}
        proposed = self.office.ask("POST", CHANGES, wanted, key=f"proposal {self.proposals}")
        assert proposed.status_code == 201, proposed.text
        change = proposed.json()["href"]
        answer = self.office.ask("PATCH", change, {"state": "confirmed"})
        assert answer.status_code in (200, 409), answer.text
        confirmed = self.office.ask("GET", change).json()  # of what was confirmed unheard the second answer is 409
        if confirmed["state"] == "confirmed":
            self.wrong += self._left_behind(confirmed)
            self.day, self.slips = to, self.slips + 1

    def _left_behind(self, change: Body) -> list[str]:
        """Who was to begin on another day, and does not. What is given back begins on no day."""
        wrong = []
        for one in change["touched"]:
            reservation = self.office.ask("GET", f"{RESERVATIONS}/{one['reservation']['id']}").json()
            starts = reservation["reservationPeriod"]["startDateTime"]
            if state_of(reservation) in ("held", "completed") and starts != one["startsAfter"]:
                wrong.append(f"{one['order']['name']} was to begin at {one['startsAfter']}, and does at {starts}")
        return wrong

    def _enter_service(self) -> None:
        """It comes before its day; whoever waits for it begins on the day that he asked for."""
        for state in LIFE:
            body: Body = {"satellite": {"id": self.satellites[-1]}, "state": state}
            answer = self.office.ask("POST", MILESTONES, body, key=f"{self.satellites[-1]} {state}")
            assert answer.status_code == 201, answer.text
        self.slips += 1

    def _a_satellite(self, name: str) -> str:
        """On order, over Africa, with one transponder; its id."""
        life: dict[str, Json] = {
            "inServiceDate": str(self.day),
            "endOfLifeDate": str(self.day + timedelta(days=15 * 365)),
            "orbitalLongitudeDeg": 31.5 + len(self.satellites),
            "state": "planned",
        }
        satellite = self._resource("Satellite", name, life)
        boresight: Json = {"latitudeDeg": -5, "longitudeDeg": 25, "halfPowerWidthDeg": 6}
        beam = self._resource("Beam", f"{name} beam", {"satelliteId": satellite, "band": "Ku", "boresight": boresight})
        transponder: dict[str, Json] = {
            "satelliteId": satellite,
            "band": "Ku",
            "uplinkBeamId": beam,
            "downlinkBeamId": beam,
            "bandwidthHz": 36 * MHZ,
            "uplinkCenterHz": 14_100 * MHZ,
            "downlinkCenterHz": 11_100 * MHZ,
            "uplinkPolarisation": "horizontal",
            "downlinkPolarisation": "vertical",
            "eirpSaturationDbw": 50,
            "gOverTDbPerK": 4,
            "sfdDbwPerM2": -85,
            "inputBackoffDb": 6,
            "outputBackoffDb": 3,
            "guardBandHz": 0,
        }
        self._resource("Transponder", f"{name} K1", transponder)
        return satellite

    def _resource(self, kind: str, name: str, values: dict[str, Json]) -> str:
        told: Json = [{"name": one, "value": value} for one, value in values.items()]
        body: Body = {"@type": kind, "name": name, "resourceCharacteristic": told}
        answer = self.office.ask("POST", RESOURCES, body, key=f"{kind} {name}")
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])
