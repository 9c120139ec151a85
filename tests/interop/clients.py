# Drives a TAXII 2.1 server with OASIS's own client, and reads what it answers with OASIS's STIX library.
import json
import sys
import uuid

import requests
import stix2
from taxii2client.exceptions import TAXIIServiceException
from taxii2client.v21 import Collection, Server, as_pages

CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


def indicators(count, **more):
    return [
        json.loads(
            stix2.v21.Indicator(
                name=f"address {i}",
                pattern=f"[ipv4-addr:value = '198.51.100.{i % 256}']",
                pattern_type="stix",
                valid_from="2026-01-01T00:00:00Z",
                object_marking_refs=[stix2.TLP_AMBER],
                **more,
            ).serialize()
        )
        for i in range(count)
    ]


def named(root, alias):
    return next(one for one in root.collections if one.alias == alias)


def opened(world):
    server = Server(world["url"] + "/taxii2/", user=world["user"], password=world["password"])
    return server, server.default


def pages(collection, per_request=100, **filters):
    for page in as_pages(collection.get_objects, per_request=per_request, **filters):
        yield page.get("objects", [])


def flat(collection, **options):
    return [one["id"] for page in pages(collection, **options) for one in page]


@case
def discovers(world):
    server, root = opened(world)
    assert server.title.startswith("Noroshi"), server.title
    assert [one.url for one in server.api_roots][0] == root.url
    assert root.versions == ["application/taxii+json;version=2.1"]
    assert root.max_content_length > 1_000_000
    collection = named(root, "everything")
    assert collection.can_read and not collection.can_write
    assert collection.media_types == ["application/stix+json;version=2.1"]
    alone = Collection(collection.url, user=world["user"], password=world["password"])
    assert alone.title == "Everything"


@case
def publishes_and_reads_back(world):
    _, root = opened(world)
    inbox = named(root, "inbox")
    objects = indicators(250)
    status = inbox.add_objects({"objects": objects})
    assert status.status == "complete" and status.success_count == 250, status
    again = root.get_status(status.id)
    assert again.success_count == 250 and again.failure_count == 0
    assert again.request_timestamp is not None
    assert flat(inbox) == [one["id"] for one in objects]
    assert flat(inbox, per_request=7) == [one["id"] for one in objects]
    everything = flat(named(root, "everything"))
    assert len(everything) == len(set(everything)) and set(one["id"] for one in objects) <= set(everything)


@case
def one_bad_object_is_a_failure_in_the_status(world):
    _, root = opened(world)
    inbox = named(root, "inbox")
    good = indicators(3)
    bad = dict(indicators(1)[0], pattern="[nonsense")
    status = inbox.add_objects({"objects": [good[0], bad, *good[1:]]})
    assert status.success_count == 3 and status.failure_count == 1, status
    assert status.failures[0]["id"] == bad["id"] and "pattern" in status.failures[0]["message"]
    ids = flat(inbox)
    assert bad["id"] not in ids and all(one["id"] in ids for one in good)


@case
def filters(world):
    _, root = opened(world)
    inbox = named(root, "inbox")
    identity = json.loads(stix2.v21.Identity(name="ACME", identity_class="organization", object_marking_refs=[stix2.TLP_AMBER]).serialize())
    assert inbox.add_objects({"objects": [identity]}).success_count == 1
    assert flat(inbox, type="identity") == [identity["id"]]
    assert flat(inbox, id=identity["id"]) == [identity["id"]]
    assert flat(inbox, id=identity["id"], type="indicator") == []
    manifest = inbox.get_manifest(id=identity["id"])["objects"][0]
    assert manifest["version"] == identity["modified"] and manifest["media_type"] == "application/stix+json;version=2.1"
    assert identity["id"] not in flat(inbox, added_after=manifest["date_added"])
    first = inbox.get_manifest(limit=1)["objects"][0]
    assert identity["id"] in flat(inbox, added_after=first["date_added"])
    assert flat(inbox, spec_version="2.0") == []


@case
def versions(world):
    _, root = opened(world)
    inbox = named(root, "inbox")
    first = indicators(1)[0]
    second = dict(first, modified="2027-01-01T00:00:00.000Z" if False else first["modified"][:20] + "999Z", name="second")
    for one in (first, second):
        assert inbox.add_objects({"objects": [one]}).success_count == 1
    kept = [first["modified"], second["modified"]]
    assert inbox.object_versions(first["id"])["versions"] == kept, inbox.object_versions(first["id"])
    assert [one["modified"] for one in inbox.get_object(first["id"])["objects"]] == kept[1:]
    assert [one["modified"] for one in inbox.get_object(first["id"], version="all")["objects"]] == kept
    assert [one["modified"] for one in inbox.get_object(first["id"], version="first")["objects"]] == kept[:1]
    assert [one["modified"] for one in inbox.get_object(first["id"], version=kept[0])["objects"]] == kept[:1]


@case
def deletes(world):
    _, root = opened(world)
    inbox = named(root, "inbox")
    kept, gone = indicators(2)
    assert inbox.add_objects({"objects": [kept, gone]}).success_count == 2
    inbox.delete_object(gone["id"])
    ids = flat(inbox)
    assert gone["id"] not in ids and kept["id"] in ids
    assert gone["id"] not in flat(named(root, "everything"))
    try:
        inbox.get_object(gone["id"])
        raise AssertionError("what was deleted is still there")
    except requests.exceptions.HTTPError as error:
        assert error.response.status_code == 404
        assert error.response.json()["title"]


@case
def stix2_reads_every_page(world):
    _, root = opened(world)
    seen = 0
    for page in pages(named(root, "everything"), per_request=50):
        bundle = stix2.parse({"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": page}, version="2.1")
        seen += len(bundle.objects)
    assert seen >= 250
    source = stix2.TAXIICollectionSource(named(root, "type-indicator"))
    some = flat(named(root, "type-indicator"))[0]
    assert source.get(some).id == some


@case
def sink_of_stix2_writes(world):
    _, root = opened(world)
    inbox = named(root, "inbox")
    one = stix2.v21.Malware(name="x", is_family=False, object_marking_refs=[stix2.TLP_GREEN])
    stix2.TAXIICollectionSink(inbox).add(one)
    assert stix2.TAXIICollectionSource(inbox).get(one.id).name == "x"


@case
def refusals_are_errors_of_taxii(world):
    _, root = opened(world)
    for build in (
        lambda: Server(world["url"] + "/taxii2/", user=world["user"], password="wrong").title,
        lambda: Collection(root.url + "collections/nothing/", user=world["user"], password=world["password"]).title,
    ):
        try:
            build()
            raise AssertionError("not refused")
        except (requests.exceptions.HTTPError, TAXIIServiceException) as error:
            answer = getattr(error, "response", None)
            assert answer is None or answer.json()["title"]


if __name__ == "__main__":
    if len(sys.argv) == 1:
        print(json.dumps(list(CASES)))
    else:
        CASES[sys.argv[1]](json.loads(sys.stdin.read()))
