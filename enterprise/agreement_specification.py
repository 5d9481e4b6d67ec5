"""Agreement specifications: the kinds of agreement that the operator concludes, each with its text and its terms.

A term that has no default is one that every agreement of the kind must state; the values of the others are filled in.
What is in use is not altered: a new text is a new specification. Words: TMF651.
"""

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field as ValueField
from pydantic import PlainSerializer
from sqlmodel import Field, Session

from satcom.core.characteristics import (
    AllowedValue,
    CharacteristicSpecification,
    ValueType,
    check_characteristics,
    rule_of,
    specification_faults,
)
from satcom.core.database import find
from satcom.core.entity import JsonOf, tmf
from satcom.core.errors import Fault, NotFound, Refused, RuleRefused
from satcom.core.security import Capability
from satcom.core.values import Characteristic, Json, Reference, Value, reference
from satcom.enterprise.catalog_entry import IN_USE, CatalogEntry, catalog_routes

TERMS = "/specificationCharacteristic"
# TMF651 has the ends of a range as text.
LimitText = Annotated[
    Decimal,
    ValueField(allow_inf_nan=False, max_digits=18),
    PlainSerializer(lambda value: f"{value:f}", when_used="json"),
]


class Attachment(Value):
    """TMF651 `AttachmentRefOrValue`: the text that the parties sign, where it is or as it is."""

    url: str | None = None
    content: str | None = None


class TermValue(Value):
    """TMF651 `AgreementSpecCharacteristicValue`: a value or a range that is allowed."""

    value: Json = None
    value_from: LimitText | None = None
    value_to: LimitText | None = None
    default: bool | None = None
    unit_of_measure: str | None = None


class Term(Value):
    """TMF651 `AgreementSpecCharacteristic`."""

    name: str = ValueField(min_length=1, max_length=100)
    value_type: ValueType = ValueType.STRING
    configurable: bool | None = None
    allowed: list[TermValue] = ValueField(default_factory=list, alias="specCharacteristicValue")

    @property
    def specification(self) -> CharacteristicSpecification:
        """The term as every characteristic is specified."""
        allowed = [
            AllowedValue(
                value=one.value,
                value_from=one.value_from,
                value_to=one.value_to,
                is_default=one.default,
                unit_of_measure=one.unit_of_measure,
            )
            for one in self.allowed
        ]
        stated = not any(one.default and one.value is not None for one in self.allowed)
        return CharacteristicSpecification.model_validate(
            {
                "name": self.name,
                "valueType": self.value_type,
                "configurable": self.configurable,
                "minCardinality": int(stated),
                "characteristicValueSpecification": allowed,
            }
        )


class AgreementSpecification(CatalogEntry, table=True):
    """One kind of agreement."""

    __tablename__ = "agreement_specification"

    is_bundle: bool = False
    description: str | None = Field(default=None, max_length=2000)
    attachment: list[Attachment] = Field(sa_type=JsonOf(list[Attachment]))
    specification_characteristic: list[Term] = Field(default_factory=list, sa_type=JsonOf(list[Term]))

    api: ClassVar = tmf("TMF651", "AgreementSpecification", Capability.READ_AGREEMENTS)
    fixed: ClassVar[frozenset[str]] = frozenset({"attachment", "specificationCharacteristic", "isBundle"})

    def faults(self, session: Session) -> list[Fault]:
        faults = specification_faults([one.specification for one in self.specification_characteristic], TERMS)
        if self.lifecycle_status in IN_USE and not any(one.url or one.content for one in self.attachment):
            why = f"{self.name} has no text that anybody could sign"
            faults.append(Fault("/attachment", why, "missing", "an attachment with url or content"))
        return faults


def agreed_terms(
    session: Session, named: Reference, given: list[Characteristic]
) -> tuple[Reference, list[Characteristic]]:
    """The specification that an agreement names, in full, and its terms with those that go without saying.

    Raises `Refused` with every term that is missing, unknown, or not allowed; `RuleRefused` on what is not in use.
    """
    where = "/agreementSpecification/id"
    try:
        specification = find(session, AgreementSpecification, named.id)
    except NotFound as error:
        why = f"there is no agreement specification {named.id[:80]!r}"
        raise Refused(where, why, "notFound", "the id of an agreement specification") from error
    if specification.lifecycle_status not in IN_USE:
        why = f"{specification.name} is {specification.lifecycle_status}"
        raise RuleRefused(where, why, "notActive", ", ".join(sorted(IN_USE)))
    rules = [rule_of(one.specification) for one in specification.specification_characteristic]
    full = reference(specification.id, "AgreementSpecification", specification.href, specification.name)
    return full, check_characteristics(rules, given, "/characteristic")


routes = catalog_routes(AgreementSpecification, may=Capability.KEEP_AGREEMENTS)
