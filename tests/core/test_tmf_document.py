"""What the official documents allow, as bodies are held against them."""

import json

from satcom.core.tmf_document import FOLDER, body_faults, tmf_document
from satcom.core.values import Json


def test_a_reference_is_taken_back_with_the_href_it_was_answered_with() -> None:
    """TMF630 has an href relative to the host, too; ours are."""
    answered: Json = {"id": "1", "href": "/tmf-api/party/v4/organization/1", "@referredType": "Organization"}
    assert body_faults(tmf_document("TMF638"), "Service_Update", {"relatedParty": [answered]}, frozenset()) == []


def test_no_document_asks_for_an_href_with_a_host() -> None:
    read = {file.stem: json.loads(file.read_text()) for file in FOLDER.glob("TMF*.json")}
    assert [name for name, facts in read.items() if '"format": "uri"' in json.dumps(facts)] == []


def test_an_href_that_is_none_is_refused_by_its_name() -> None:
    told: Json = {"relatedParty": [{"id": "1", "href": "no href at all", "@referredType": "Organization"}]}
    faults = body_faults(tmf_document("TMF638"), "Service_Update", told, frozenset())
    assert [(one.field, one.code) for one in faults] == [("/relatedParty/0/href", "wrongFormat")]
