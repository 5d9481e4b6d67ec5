"""What the simulated NMS does with carriers, terminals and plans, and when it refuses.

Each method here is an effect and runs inside `Store.once`. Applying the same body again under another key is a new
effect: `revision` grows and the journal gains a line, since a real modem drops the carrier for a moment each time it
is configured. Removing what is not there has no effect.
"""

import random
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pydantic import BaseModel

from satcom.simulators.hub_nms.configuration import (
    Carrier,
    Faults,
    Fleet,
    Instant,
    Plan,
    SharedCarrier,
    Terminal,
    Weather,
)
from satcom.simulators.hub_nms.faults import FaultsInForce
from satcom.simulators.hub_nms.held import carrier_called, carrier_towards, terminal_called
from satcom.simulators.hub_nms.measurement import (
    LineUp,
    Truth,
    hub_end,
    information_rate_bps,
    transponder_path,
)
from satcom.simulators.hub_nms.sky import LEAST_POWER_DBW, lined_up_power_dbw
from satcom.simulators.hub_nms.store import Answer, Held, Refusal, Store


class Nms:
    """The network management system of all hubs in the fleet."""

    def __init__(self, state_dir: Path, seed: int) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self._path, self._seed = state_dir / "hub_nms.sqlite", seed
        self.store = Store(self._path)
        self.fleet = self._stored_fleet()
        self.faults = FaultsInForce()
        self.faults.replace(Faults.model_validate_json(self.store.setting("faults") or "{}").rules)

    def restart(self) -> None:
        """Forget what is in memory and read it again. Fault rules stay in force: they are the test's, not the NMS's."""
        self.store.close()
        self.store = Store(self._path)
        self.fleet = self._stored_fleet()

    def _stored_fleet(self) -> Fleet:
        return Fleet.model_validate_json(self.store.setting("fleet") or "{}")

    def set_fleet(self, fleet: Fleet) -> None:
        """Shared carriers are on the air with their fleet; one that the fleet no longer names stays as it is."""
        with self.store.transaction():
            self.store.set("fleet", fleet.model_dump_json())
            for one in fleet.shared_carriers:
                carrier, held = lined_up(fleet, one), self.store.get("carrier", one.id)
                if held is None or Carrier.model_validate_json(held.body) != carrier:
                    self._put("carrier", one.id, carrier, [("transponder", transponder_path(carrier))], None)
        self.fleet = fleet

    def set_faults(self, faults: Faults) -> None:
        self.store.set("faults", faults.model_dump_json())
        self.faults.replace(faults.rules)

    def set_weather(self, terminal_id: str, weather: Weather) -> None:
        self.store.set(f"weather:{terminal_id}", weather.model_dump_json())

    def set_instant(self, instant: Instant) -> None:
        self.store.set("instant", instant.model_dump_json())

    def _now(self) -> datetime:
        """The time in the simulated world."""
        return Instant.model_validate_json(self.store.setting("instant") or "{}").at or datetime.now(UTC)

    def put_carrier(self, carrier_id: str, carrier: Carrier, key: str | None, cancels: str | None = None) -> Answer:
        """Give a hub port a carrier. That the frequency is right, no NMS can know: the line-up test shows it."""
        self._refuse_unknown_equipment(carrier)
        users = self.store.resting_on("carrier", carrier_id)
        if users and carrier_called(self.store, carrier_id).direction != carrier.direction:
            raise Refusal(409, "in_use", f"carrier {carrier_id} is used by {_named(users)}, so its direction stays")
        if carrier.port is not None:
            self._take_port(carrier, carrier.port, carrier_id)
        return self._put("carrier", carrier_id, carrier, [("transponder", transponder_path(carrier))], key, cancels)

    def _take_port(self, carrier: Carrier, port: int, carrier_id: str) -> None:
        taken_by = self.store.take_port(carrier.hub_id, port, carrier.direction, carrier_id)
        if taken_by:
            where = f"port {port} ({carrier.direction}) of hub {carrier.hub_id}"
            raise Refusal(409, "port_taken", f"{where} belongs to carrier {taken_by}")

    def put_terminal(self, terminal_id: str, terminal: Terminal, key: str | None, cancels: str | None = None) -> Answer:
        """Set a terminal up. Over satellites that pass it may have carriers through several hubs, in pairs."""
        pairs = []
        for forward_id, back_id in terminal.carrier_pairs:
            forward = carrier_towards(self.store, forward_id, "forward")
            back = None if back_id is None else carrier_towards(self.store, back_id, "return")
            pairs.append((forward, back))
        self._refuse_mixed(terminal, pairs)
        ids = dict.fromkeys(one for pair in terminal.carrier_pairs for one in pair if one is not None)
        return self._put("terminal", terminal_id, terminal, [("carrier", one) for one in ids], key, cancels)

    def _refuse_mixed(self, terminal: Terminal, pairs: list[tuple[Carrier, Carrier | None]]) -> None:
        """Carriers that do not belong together, as one terminal's."""
        over = {one.satellite_id for pair in pairs for one in pair if one is not None}
        passing = [one for one in sorted(over) if self.fleet.constellation(one) is not None]
        if passing and len(over) > 1:
            raise Refusal(422, "not_one_constellation", f"the carriers are not all on constellation {passing[0]}")
        if terminal.handover_carriers and not passing:
            raise Refusal(422, "not_passing", "a terminal is handed over between hubs only where satellites pass")
        for forward, back in pairs if passing else ():
            if back is not None and back.hub_id != forward.hub_id:
                raise Refusal(422, "two_hubs", f"a pair has carriers of hubs {forward.hub_id} and {back.hub_id}")

    def put_plan(self, plan_id: str, plan: Plan, key: str | None, cancels: str | None = None) -> Answer:
        """Give a terminal its rates. A committed rate above what its carrier carries is refused."""
        terminal = terminal_called(self.store, plan.terminal_id)
        others = [user for user in self.store.resting_on("terminal", plan.terminal_id) if user != ("plan", plan_id)]
        if others:
            raise Refusal(409, "has_a_plan", f"terminal {plan.terminal_id} already has {_named(others)}")
        if terminal.return_carrier_id is None and plan.return_mir_bps:
            raise Refusal(422, "no_return_carrier", f"terminal {plan.terminal_id} has no return carrier")
        for forward_id, back_id in terminal.carrier_pairs:
            for carrier_id, cir_bps in ((forward_id, plan.forward_cir_bps), (back_id, plan.return_cir_bps)):
                if carrier_id is None:
                    continue
                carried_bps = information_rate_bps(carrier_called(self.store, carrier_id))
                if cir_bps > carried_bps:
                    raise Refusal(422, "too_fast", f"carrier {carrier_id} carries {carried_bps} bit/s, not {cir_bps}")
        return self._put("plan", plan_id, plan, [("terminal", plan.terminal_id)], key, cancels)

    def remove(self, kind: str, held_id: str, key: str | None, cancels: str | None) -> Answer:
        """Take an object away, if it is there. `cancels` is the key of a request that may still be on its way."""
        users = self.store.resting_on(kind, held_id)
        if users:
            raise Refusal(409, "in_use", f"{kind} {held_id} is used by {_named(users)}")
        if cancels is not None:
            self.store.cancel(cancels)
        removed = self.store.remove(kind, held_id)
        if removed:
            self.store.record("remove", kind, held_id, "removed", removed.revision, key)
        return Answer(204, b"")

    def measure(self, terminal_id: str, key: str | None) -> Answer:
        line_up = LineUp(self.store, self.fleet, terminal_id, self._now())
        number = self.store.record("measure", "terminal", terminal_id, "measured", 0, key)
        measured = line_up.measure(random.Random(f"{self._seed}:{number}"))
        return Answer(200, measured.model_dump_json(by_alias=True).encode())

    def truth(self, terminal_id: str) -> Truth:
        return LineUp(self.store, self.fleet, terminal_id, self._now()).truth()

    def _put(
        self,
        kind: str,
        held_id: str,
        body: BaseModel,
        needs: list[tuple[str, str]],
        key: str | None,
        cancels: str | None = None,
    ) -> Answer:
        """Set an object. `cancels` is the key of a request that may still be on its way."""
        if cancels is not None:
            self.store.cancel(cancels)
        held = self.store.put(kind, held_id, body.model_dump_json(), needs)
        outcome = "created" if held.revision == 1 else "replaced"
        self.store.record("put", kind, held_id, outcome, held.revision, key)
        return Answer(201 if held.revision == 1 else 200, orjson.dumps(shown(held)))

    def _refuse_unknown_equipment(self, carrier: Carrier) -> None:
        hub = self.fleet.hub(carrier.hub_id)
        if hub is None:
            raise Refusal(422, "no_such_hub", f"there is no hub {carrier.hub_id}")
        if self.fleet.transponder(carrier.satellite_id, carrier.transponder_id) is None:
            raise Refusal(422, "no_such_transponder", f"there is no transponder {transponder_path(carrier)}")
        if carrier.port is not None and carrier.port > hub.ports:
            raise Refusal(422, "no_such_port", f"hub {hub.id} has ports 1 to {hub.ports}, not {carrier.port}")
        limit_dbw = hub.towards(carrier.transponder_id).hpa_power_dbw if carrier.direction == "forward" else None
        if limit_dbw is not None and carrier.transmit_power_dbw > limit_dbw:
            raise Refusal(422, "too_much_power", f"the amplifier of hub {hub.id} gives at most {limit_dbw} dBW")


def lined_up(fleet: Fleet, shared: SharedCarrier) -> Carrier:
    """The carrier as the hub sends it after its line-up; on a return carrier each terminal has a power of its own."""
    transponder = fleet.transponder(shared.satellite_id, shared.transponder_id)
    assert transponder is not None  # the fleet has seen to it
    carrier = Carrier(
        **shared.model_dump(exclude={"id", "power_share"}),
        uplink_polarisation=transponder.uplink_polarisation,
        downlink_polarisation=transponder.downlink_polarisation,
        transmit_power_dbw=LEAST_POWER_DBW,
    )
    hub = hub_end(fleet, carrier) if shared.direction == "forward" else None
    if hub is None:
        return carrier
    power_dbw = lined_up_power_dbw(carrier, hub, transponder, shared.power_share)
    return carrier.model_copy(update={"transmit_power_dbw": round(power_dbw, 3)})


def shown(held: Held) -> dict[str, object]:
    """An object as the API shows it."""
    return {"id": held.id, "revision": held.revision, **orjson.loads(held.body)}


def _named(objects: list[tuple[str, str]]) -> str:
    return ", ".join(f"{kind} {held_id}" for kind, held_id in objects)
