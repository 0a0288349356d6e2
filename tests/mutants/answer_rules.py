"""What one answer of an API may cost, and what of a secret an answer may show."""

from typing import Final

from mutants.mutant import Mutant

_HOSTILE = ("api/test_hostile_answers.py",)
_MASKING = ("api/test_masking.py",)
_CACHE = ("kube/test_cache.py",)
_BOUNDS = ("kube/test_crd_bounds.py", "kube/test_crd.py")

ANSWERS: Final = (
    Mutant(
        "an integer beyond 64 bits counts as not told",
        "api/models/shared_fields.py",
        "Whole = Annotated[int, Field(ge=-WHOLE_LIMIT, lt=WHOLE_LIMIT)]",
        "Whole = Annotated[int, Field()]",
        ("api/test_answers.py",),
    ),
    Mutant(
        "a number that is infinite or none counts as not told",
        "api/models/shared_fields.py",
        ", allow_inf_nan=False)",
        ")",
        ("api/test_answers.py",),
    ),
    Mutant(
        "every number that an answer may hold has a digest",
        "kinds/managed_fields.py",
        " and abs(value) < UNSAFE_FROM:",
        ":",
        ("kinds/test_datastore_managed.py",),
    ),
    Mutant(
        "a parameter's integer has 64 bits",
        "kinds/datastore_configuration.py",
        "_of_64_bits(_integer(value))",
        "_integer(value)",
        ("kinds/test_datastore_configuration.py",),
    ),
    Mutant(
        "what is unpacked is limited",
        "api/unpacking.py",
        '            require("bytes", unpacked, limit_bytes, of="the unpacked answer has")\n',
        "",
        _HOSTILE,
    ),
    Mutant(
        "no more is unpacked at once than a piece",
        "api/unpacking.py",
        "inflate.decompress(data, PIECE_BYTES)",
        "inflate.decompress(data)",
        _HOSTILE,
    ),
    Mutant(
        "rows are limited",
        "api/rows.py",
        "        if self.rows > ROW_LIMIT:\n",
        "        if False:\n",
        _HOSTILE,
    ),
    Mutant(
        "the values of a row are limited",
        "api/answers.py",
        "                if len(text) > VALUES_LIMIT:\n",
        "                if False:\n",
        _HOSTILE,
    ),
    Mutant(
        "the memory of a list is limited",
        "api/answers.py",
        "            kept += memory_of(piece)\n",
        "",
        _HOSTILE,
    ),
    Mutant(
        "the memory of all lists of a project is limited",
        "api/client.py",
        "max_kept=KEPT_LIMIT_BYTES - others",
        "max_kept=KEPT_LIMIT_BYTES",
        _HOSTILE,
    ),
    Mutant(
        "one large answer is read at a time",
        "api/answers.py",
        "            if size <= LARGE_BYTES < size + len(piece):\n",
        "            if False:\n",
        _HOSTILE,
    ),
    Mutant(
        "a large answer that is slow gives up its turn",
        "api/large_answers.py",
        "async with asyncio.timeout(LARGE_SECONDS) as limit:",
        "async with asyncio.timeout(None) as limit:",
        _HOSTILE,
    ),
    Mutant(
        "foreign annotations are not kept",
        "kube/cache.py",
        'if name.startswith(f"{GROUP}/") or name == FLUX_REQUESTED_AT)',
        "if name)",
        _CACHE,
    ),
    Mutant(
        "a large spec is kept as text",
        "reconcile/packed_spec.py",
        "    if len(text) <= PACKED_FROM_BYTES:\n",
        "    if True:\n",
        _CACHE,
    ),
    Mutant(
        "a field that is too large is not kept, and nothing is made of the rest",
        "reconcile/packed_spec.py",
        "name: TOO_LARGE if len(orjson.dumps(value)) > max_field else value",
        "name: value",
        _CACHE,
    ),
    Mutant(
        "a field that is too large makes the spec unreadable",
        "reconcile/observe/reading.py",
        "if too_large := sorted(name for name, value in values.items() if value == TOO_LARGE):",
        "if too_large := []:",
        _CACHE,
    ),
    Mutant(
        "values of a map without a type are scalars",
        "kube/structural_schema.py",
        '"maxItems": 0, "maxProperties": 0}',
        "}",
        _BOUNDS,
    ),
    Mutant(
        "whatever has no bound fails the build",
        "kube/structural_schema.py",
        'if unbounded and schema.get("format") not in _SHORT_FORMATS:',
        "if False:",
        _BOUNDS,
    ),
    Mutant(
        "a list of Kubernetes is read item by item",
        "kube/pages.py",
        "[light(orjson.loads(text)) for text in splitter.feed(chunk)]",
        "[orjson.loads(text) for text in splitter.feed(chunk)]",
        ("kube/test_pages.py",),
    ),
    Mutant(
        "a token that is too long is not sent",
        "api/headers.py",
        "len(value) <= MAX_SECRET_LENGTH and ",
        "",
        _HOSTILE,
    ),
    Mutant(
        "a secret that goes on behind what is shown is masked",
        "api/masking.py",
        "text[: most + max(map(len, self._forms))]",
        "text[:most]",
        _MASKING,
    ),
    Mutant(
        "of a secret that is too long to be looked for nothing is shown",
        "api/masking.py",
        "        if self._withholds:\n",
        "        if False:\n",
        _MASKING,
    ),
    Mutant(
        "what breaks the reading of one project does not end the operator",
        "reconcile/project/session.py",
        "self._defects.lasting(part, work)",
        "work()",
        ("virtual/test_defects_of_reading.py",),
    ),
    Mutant(
        "what breaks the lists of one collection does not end the operator",
        "reconcile/project/collection_lists.py",
        "self._defects.lasting(poller.name, poller.run)",
        "poller.run()",
        ("virtual/test_defects_of_reading.py",),
    ),
    Mutant(
        "a snapshot that nobody keeps up to date is not believed",
        "reconcile/project/collection_lists.py",
        "self._objects.known[name].snapshot.clear()",
        "pass",
        ("reconcile/project/test_collection_lists.py",),
    ),
    Mutant(
        "of a catalogue without end nothing is made",
        "reconcile/project/catalogue.py",
        "            require_few(call.operation, reply.value, MAX_OFFERS)\n",
        "",
        ("reconcile/project/test_catalogue_details.py",),
    ),
)
