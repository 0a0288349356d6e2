"""Database servers on localhost that speak just enough of each engine's protocol for a login, or misbehave as a test wants."""

import asyncio
import base64
import hashlib
import hmac
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

CERTIFICATES = Path(__file__).parent / "certificates"
CA = (CERTIFICATES / "ca.crt").read_text()
OTHER_CA = (CERTIFICATES / "other-ca.crt").read_text()
GARBAGE = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n" * 20
USER, PASSWORD, DATABASE = "app", "correct horse", "orders"


class Habit(Enum):
    """How a server behaves."""

    SERVES = auto()
    HANGS = auto()
    """It takes connections, and says nothing."""
    HANGS_AFTER_TLS = auto()
    CLOSES = auto()
    CLOSES_AFTER_TLS = auto()
    TALKS_GARBAGE = auto()
    TALKS_GARBAGE_AFTER_TLS = auto()
    HAS_NO_TLS = auto()
    KEEPS_OUT = auto()
    """It lets the user in, but not into the database."""
    IS_FULL = auto()
    TELLS_PASSWORDS = auto()
    """It refuses every login, and repeats the password that it got."""


Speaks = Callable[["FakeServer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class FakeServer:
    engine: str
    habit: Habit = Habit.SERVES
    certificate: str = "server"
    port: int = 0
    user: str = USER
    password: str = PASSWORD
    rounds: int = 4096
    """What SCRAM costs."""
    heard: bytearray = field(default_factory=bytearray)
    """What clients have sent before TLS, as far as a server reads that."""
    connections: int = 0
    open_now: int = 0
    most_open: int = 0

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{self.certificate}.crt", CERTIFICATES / f"{self.certificate}.key")
        return context

    async def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        loop = asyncio.get_running_loop()
        writer: asyncio.StreamWriter | None = None
        try:
            with suppress(OSError, EOFError):
                match self.habit:
                    case Habit.HANGS:
                        while await loop.sock_recv(connection, 4096):
                            pass
                    case Habit.TALKS_GARBAGE:
                        await loop.sock_sendall(connection, GARBAGE)
                    case Habit.CLOSES:
                        pass
                    case _ if await _BEGIN[self.engine](self, connection):
                        reader, writer = await self._tls(connection)
                        await self._after_tls(reader, writer)
                        await _SPEAK[self.engine](self, reader, writer)
                        await writer.drain()
        finally:
            self.open_now -= 1
            (writer or connection).close()

    async def _tls(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await loop.connect_accepted_socket(lambda: protocol, connection, ssl=self.context())
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    async def _after_tls(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match self.habit:
            case Habit.HANGS_AFTER_TLS:
                await reader.read()
                raise EOFError
            case Habit.CLOSES_AFTER_TLS:
                raise EOFError
            case Habit.TALKS_GARBAGE_AFTER_TLS:
                writer.write(GARBAGE)
                await writer.drain()
                raise EOFError


@asynccontextmanager
async def serving(
    engine: str, habit: Habit = Habit.SERVES, *, certificate: str = "server", port: int = 0
) -> AsyncIterator[FakeServer]:
    server = FakeServer(engine, habit, certificate)
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def accept(listener: socket.socket) -> None:
        while True:
            connection, _ = await loop.sock_accept(listener)
            task = asyncio.create_task(server.serve(connection))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.setblocking(False)
        server.port = listener.getsockname()[1]
        accepting = asyncio.create_task(accept(listener))
        try:
            yield server
        finally:
            for task in (accepting, *tasks):
                task.cancel()
            await asyncio.wait([accepting, *tasks], timeout=5)


# --- PostgreSQL ---


async def _begin_postgresql(server: FakeServer, connection: socket.socket) -> bool:
    loop = asyncio.get_running_loop()
    server.heard += await loop.sock_recv(connection, 8)
    has_tls = server.habit is not Habit.HAS_NO_TLS
    await loop.sock_sendall(connection, b"S" if has_tls else b"N")
    if not has_tls:
        server.heard += await loop.sock_recv(connection, 4096)
    return has_tls


async def _postgresql(server: FakeServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    startup = await reader.readexactly(struct.unpack("!i", await reader.readexactly(4))[0] - 4)
    words = startup[4:].split(b"\0")
    said = dict(zip(words[::2], words[1::2], strict=False))
    if server.habit is Habit.IS_FULL:
        writer.write(_postgresql_error("53300", "sorry, too many clients already", "InitProcess"))
        return
    writer.write(b"R" + struct.pack("!ii", 8, 3))  # a password in clear, within TLS
    await reader.readexactly(1)
    password = await reader.readexactly(struct.unpack("!i", await reader.readexactly(4))[0] - 4)
    if server.habit is Habit.TELLS_PASSWORDS:
        told = password[:-1].decode()
        writer.write(_postgresql_error("28P01", f"password authentication failed, {told!r} is not right", told))
        return
    if (said[b"user"].decode(), password[:-1].decode()) != (server.user, server.password):
        writer.write(_postgresql_error("28P01", "password authentication failed", "auth_failed"))
        return
    if server.habit is Habit.KEEPS_OUT:
        writer.write(_postgresql_error("42501", "permission denied for database", "CheckMyDatabase"))
        return
    if said[b"database"].decode() not in (DATABASE, "postgres"):
        writer.write(_postgresql_error("3D000", "database does not exist", "InitPostgres"))
        return
    version = b"server_version\x0016.4\0"
    writer.write(b"R" + struct.pack("!ii", 8, 0) + b"S" + struct.pack("!i", len(version) + 4) + version)
    writer.write(b"K" + struct.pack("!iii", 12, 1, 2) + b"Z\0\0\0\5I")
    await reader.read(1)  # its goodbye


def _postgresql_error(code: str, text: str, routine: str) -> bytes:
    fields = (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text), ("R", routine))
    body = b"".join(f"{key}{value}\0".encode() for key, value in fields) + b"\0"
    return b"E" + struct.pack("!i", len(body) + 4) + body


# --- MySQL ---


_SALT = b"12345678901234567890"


async def _begin_mysql(server: FakeServer, connection: socket.socket) -> bool:
    """Greet. The client's TLS follows its request for that at once: a stream would have read it already."""
    loop = asyncio.get_running_loop()
    capabilities = 0x000FFFDF if server.habit is not Habit.HAS_NO_TLS else 0x000FFFDF & ~0x800
    greeting = b"\x0a8.0.0\0" + struct.pack("<I", 1) + _SALT[:8] + b"\0" + struct.pack("<H", capabilities & 0xFFFF)
    greeting += b"\x2d" + struct.pack("<HHB", 2, capabilities >> 16, 21) + bytes(10) + _SALT[8:] + b"\0"
    greeting += b"mysql_native_password\0"
    is_full = server.habit is Habit.IS_FULL
    full = b"\xff" + struct.pack("<H", 1040) + b"Too many connections"
    await loop.sock_sendall(connection, _mysql_packet(0, full if is_full else greeting))
    if server.habit is Habit.HAS_NO_TLS:
        server.heard += await loop.sock_recv(connection, 4096)
        return False
    asked = await loop.sock_recv(connection, 36)
    return bool(asked) and not is_full


async def _mysql(server: FakeServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    number, login = await _mysql_read(reader)
    user, _, rest = login[32:].partition(b"\0")
    answered, rest = rest[1 : rest[0] + 1], rest[rest[0] + 1 :]
    database = rest.partition(b"\0")[0].decode()
    if (user.decode(), answered) != (server.user, _scrambled(server.password, _SALT)):
        writer.write(_mysql_error(number + 1, 1045, "28000", "Access denied for user"))
    elif server.habit is Habit.KEEPS_OUT:
        writer.write(_mysql_error(number + 1, 1044, "42000", "Access denied for user to database"))
    elif database not in (DATABASE, "mysql_native_password"):  # without a database the plugin follows
        writer.write(_mysql_error(number + 1, 1049, "42000", "Unknown database"))
    else:
        writer.write(_mysql_packet(number + 1, b"\0\0\0\2\0\0\0"))
        await reader.read()


def _mysql_packet(number: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def _mysql_error(number: int, code: int, state: str, text: str) -> bytes:
    return _mysql_packet(number, b"\xff" + struct.pack("<H", code) + f"#{state}{text}".encode())


async def _mysql_read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = await reader.readexactly(4)
    return head[3], await reader.readexactly(int.from_bytes(head[:3], "little"))


def _scrambled(password: str, salt: bytes) -> bytes:
    """What mysql_native_password makes of a password."""
    once = hashlib.sha1(password.encode()).digest()
    twice = hashlib.sha1(salt + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, twice, strict=True))


# --- Redis ---


async def _redis(server: FakeServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    if server.habit is Habit.IS_FULL:
        writer.write(b"-ERR max number of clients reached\r\n")
        return
    count = int((await reader.readline())[1:])
    words = []
    for _ in range(count):
        await reader.readline()
        words.append((await reader.readline()).rstrip().decode())
    is_right = words in (["AUTH", server.password], ["AUTH", server.user, server.password])
    writer.write(b"+OK\r\n" if is_right else b"-WRONGPASS invalid username-password pair or user is disabled.\r\n")
    await reader.read()


# --- Kafka ---


async def _kafka(server: FakeServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _kafka_answer(
        reader, writer, struct.pack("!hi", 0, 3) + b"".join(struct.pack("!hhh", *each) for each in _VERSIONS)
    )
    await _kafka_answer(reader, writer, struct.pack("!hi", 0, 1) + _text("SCRAM-SHA-512"))
    first = (await _kafka_request(reader))[1].decode()
    bare = first.removeprefix("n,,")
    said = dict(each.split("=", 1) for each in bare.split(","))
    salt, rounds = b"salt of the tests", server.rounds
    server_first = f"r={said['r']}more,s={base64.b64encode(salt).decode()},i={rounds}"
    writer.write(_kafka_reply(server_first))
    final = (await _kafka_request(reader))[1].decode()
    without_proof, _, proof = final.rpartition(",p=")
    message = f"{bare},{server_first},{without_proof}".encode()
    salted = hashlib.pbkdf2_hmac("sha512", server.password.encode(), salt, min(rounds, 4096))
    client = hmac.digest(salted, b"Client Key", "sha512")
    signature = hmac.digest(hashlib.sha512(client).digest(), message, "sha512")
    wanted = bytes(a ^ b for a, b in zip(client, signature, strict=True))
    if said["n"] != USER or base64.b64decode(proof) != wanted:
        writer.write(_kafka_reply("", 58))
        await reader.read()
        return
    told = hmac.digest(hmac.digest(salted, b"Server Key", "sha512"), message, "sha512")
    writer.write(_kafka_reply("v=" + base64.b64encode(told).decode()))
    await reader.read()


_VERSIONS = ((17, 0, 1), (18, 0, 2), (36, 0, 1))
"""Keys of SaslHandshake, ApiVersions and SaslAuthenticate, with the least and the highest version."""
_correlation = {"id": 0}


def _text(text: str) -> bytes:
    return struct.pack("!h", len(text)) + text.encode()


async def _kafka_request(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the key of the request and its last field, as bytes without their length."""
    whole = await reader.readexactly(struct.unpack("!i", await reader.readexactly(4))[0])
    key, _, _correlation["id"], length = struct.unpack("!hhih", whole[:10])
    return key, whole[10 + length + 4 :]


async def _kafka_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> None:
    await _kafka_request(reader)
    writer.write(_kafka_packet(body))


def _kafka_reply(told: str, error: int = 0) -> bytes:
    body = struct.pack("!h", error) + struct.pack("!h", -1) + struct.pack("!i", len(told)) + told.encode()
    return _kafka_packet(body + struct.pack("!q", 0))


def _kafka_packet(body: bytes) -> bytes:
    return struct.pack("!ii", len(body) + 4, _correlation["id"]) + body


async def _begin_at_once(server: FakeServer, connection: socket.socket) -> bool:
    """TLS begins with the connection."""
    if server.habit is not Habit.HAS_NO_TLS:
        return True
    loop = asyncio.get_running_loop()
    server.heard += await loop.sock_recv(connection, 5)
    await loop.sock_sendall(connection, b"-ERR Protocol error\r\n")
    return False


_BEGIN: dict[str, Callable[[FakeServer, socket.socket], Awaitable[bool]]] = {
    "postgresql": _begin_postgresql,
    "mysql": _begin_mysql,
    "redis": _begin_at_once,
    "kafka": _begin_at_once,
}
"""What is said before TLS; returns whether TLS follows."""
_SPEAK: dict[str, Speaks] = {"postgresql": _postgresql, "mysql": _mysql, "redis": _redis, "kafka": _kafka}
