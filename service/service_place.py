"""The place of a service: where its site stands, by its characteristics."""

from dataclasses import dataclass

from satcom.core.errors import RuleRefused
from satcom.resource.physics.climate import altitude_km
from satcom.service.inventory import Service


@dataclass(frozen=True)
class ServicePlace:
    """Where the site of a service is."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float


def place_of(service: Service) -> ServicePlace:
    """Where the site is, by the service's characteristics; how high, or else by the map.

    Raises `RuleRefused` where they do not say.
    """
    said = {one.name: one.value for one in service.service_characteristic}
    latitude, longitude, altitude = (said.get(name) for name in ("latitudeDeg", "longitudeDeg", "altitudeM"))
    if not isinstance(latitude, int | float) or not isinstance(longitude, int | float):
        raise RuleRefused("serviceId", f"{service.name} does not say where its site is", "notOnRecord", "")
    if isinstance(altitude, int | float):
        return ServicePlace(float(latitude), float(longitude), float(altitude))
    height_m = 1000 * max(float(altitude_km.or_nan(latitude, longitude)), 0.0)
    return ServicePlace(float(latitude), float(longitude), height_m)
