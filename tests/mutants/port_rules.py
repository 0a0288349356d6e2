"""What whoever reaches the Pod's ports may do and learn, and that a process which is to end does."""

from typing import Final

from mutants.mutant import Mutant

_ASKED = ("kube/test_asked.py",)
_METRICS = ("kube/test_metrics_server.py",)
_ENDS = ("kube/test_ends_for_sure.py",)

PORTS: Final = (
    Mutant(
        "connections have a bound, and the oldest gives way",
        "kube/asked.py",
        "        if len(self._waiting) + len(self._asked) >= self._most:\n",
        "        if False:\n",
        _ASKED,
    ),
    Mutant(
        "who does not ask is ended",
        "kube/asked.py",
        "                async with asyncio.timeout(QUESTION_SECONDS):\n",
        "                async with asyncio.timeout(None):\n",
        _ASKED,
    ),
    Mutant(
        "who does not read is ended",
        "kube/asked.py",
        "            async with asyncio.timeout(LIFE_SECONDS):\n",
        "            async with asyncio.timeout(None):\n",
        _ASKED,
    ),
    Mutant(
        "a port without a file left is tried again",
        "kube/asked.py",
        "                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)\n",
        "                raise\n",
        ("kube/test_out_of_files.py",),
    ),
    Mutant(
        "probes tell whether, not why",
        "kube/probes.py",
        '"not yet, or no more; the log says why"',
        "trouble",
        ("kube/test_probes.py",),
    ),
    Mutant(
        "nobody's token reads no metrics",
        "kube/reviews.py",
        'if told.get("authenticated") is not True:',
        'if "user" not in told and "error" not in told:',
        _METRICS,
    ),
    Mutant(
        "who may not read the metrics does not",
        "kube/reviews.py",
        'return HTTPStatus.OK if told.get("allowed") is True else HTTPStatus.FORBIDDEN',
        "return HTTPStatus.OK",
        _METRICS,
    ),
    Mutant(
        "when nobody can tell nobody is let in",
        "kube/reviews.py",
        "                return HTTPStatus.SERVICE_UNAVAILABLE\n",
        "                return HTTPStatus.OK\n",
        _METRICS,
    ),
    Mutant(
        "a kept answer is for one token",
        "kube/reviews.py",
        "hashlib.sha256(token.encode())",
        "hashlib.sha256(token[:4].encode())",
        _METRICS,
    ),
    Mutant(
        "a right that was taken away ends",
        "kube/reviews.py",
        "        return status if self._now() < until else None\n",
        "        return status\n",
        _METRICS,
    ),
    Mutant(
        "made-up tokens cost a reader of the metrics no turn",
        "kube/reviews.py",
        "self._readers if key in self._readers.known else self._strangers",
        "self._strangers",
        _METRICS,
    ),
    Mutant(
        "no token is asked for without TLS",
        "settings.py",
        "if self.metrics_authentication and self.metrics_certificate is None:",
        "if False:",
        _METRICS,
    ),
    Mutant(
        "the metrics are closed until somebody opens them",
        "settings.py",
        'default="127.0.0.1", description="Address of /metrics',
        'default="0.0.0.0", description="Address of /metrics',
        ("kube/test_metrics_server.py",),
    ),
    Mutant(
        "the end of the watches is the end of the process",
        "kube/informers.py",
        "            self._on_end(self._ended)\n",
        "",
        _ENDS,
    ),
    Mutant(
        "one watch that does not end does not hide the end of the others",
        "kube/informers.py",
        "            await asyncio.wait([cleaning], timeout=CLEAN_UP_SECONDS)\n",
        "            await asyncio.wait([cleaning])\n",
        _ENDS,
    ),
    Mutant(
        "credentials that cannot be read now do not end a watch",
        "kube/kopf_bridge/watch_transport.py",
        "            raise aiohttp.ClientConnectionError(str(error)) from error\n",
        "            raise\n",
        ("kube/test_kopf_contract.py",),
    ),
)
