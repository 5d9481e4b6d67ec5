"""Planned events as they are told: a sun outage, an eclipse, in an answer and as an entry of a calendar."""

from zoneinfo import ZoneInfo

from satcom.core.values import Json, instant_text
from satcom.resource.event_calendar import CalendarEntry
from satcom.resource.physics.eclipse import Eclipse
from satcom.resource.physics.sun_outage import SunOutage


def outage_body(one: SunOutage, zone: ZoneInfo) -> dict[str, Json]:
    return {
        "start": instant_text(one.start),
        "peak": instant_text(one.peak),
        "end": instant_text(one.end),
        "peakAtStation": one.peak.astimezone(zone).isoformat(timespec="seconds"),
        "durationS": round((one.end - one.start).total_seconds(), 1),
        "separationDeg": round(one.separation_deg, 4),
        "elevationDeg": round(one.elevation_deg, 2),
        "sunNoiseK": round(one.noise_k, 1),
        "degradationDb": round(one.degradation_db, 2),
    }


def eclipse_body(one: Eclipse) -> dict[str, Json]:
    return {
        "body": one.body.value,
        "start": instant_text(one.start),
        "umbraStart": instant_text(one.umbra_start) if one.umbra_start else None,
        "deepest": instant_text(one.deepest),
        "umbraEnd": instant_text(one.umbra_end) if one.umbra_end else None,
        "end": instant_text(one.end),
        "umbraS": round(one.umbra.total_seconds(), 1),
        "hiddenPercent": round(100 * one.hidden, 2),
    }


def outage_entry(one: SunOutage, satellite: str, place: str) -> CalendarEntry:
    return CalendarEntry(
        subject=f"sun outage {satellite} {place}",
        summary=f"Sun outage: {satellite} at {place}, {one.degradation_db:.1f} dB",
        description=f"Peak {one.peak:%H:%M:%S} UTC, C/N falls by {one.degradation_db:.1f} dB;"
        f" the Sun passes {one.separation_deg:.2f} deg from the satellite.",
        start=one.start,
        end=one.end,
        day=one.peak,
    )


def eclipse_entry(one: Eclipse, satellite: str) -> CalendarEntry:
    umbra = f"umbra {one.umbra_start:%H:%M:%S} to {one.umbra_end:%H:%M:%S} UTC" if one.umbra else "no umbra"
    return CalendarEntry(
        subject=f"eclipse {one.body} {satellite}",
        summary=f"Eclipse: {satellite}, {one.umbra.total_seconds() / 60:.0f} min of umbra by the {one.body.title()}",
        description=f"{100 * one.hidden:.0f} % of the Sun is hidden at {one.deepest:%H:%M:%S} UTC; {umbra}.",
        start=one.start,
        end=one.end,
        day=one.deepest,
    )
