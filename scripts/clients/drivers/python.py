"""Reads an event stream with one client library and prints each event as a line of JSON.

    python.py CLIENT URL

Libraries that do not reconnect by themselves are called again, with the last id, as their users do.
"""

import asyncio
import json
import sys
import time

PAUSE_SECONDS = 0.3


def say(kind, data, identifier):
    if kind == "goal":
        print(json.dumps({"data": data, "id": identifier}), flush=True)


def headers_after(last):
    return {"Last-Event-ID": last} if last else {}


def httpx_sse(url, last):
    import httpx
    from httpx_sse import connect_sse

    with httpx.Client(timeout=httpx.Timeout(10, read=60)) as client:
        with connect_sse(client, "GET", url, headers=headers_after(last)) as source:
            for event in source.iter_sse():
                say(event.event, event.data, event.id)
                last = event.id or last
                yield last


def sseclient_py(url, last):
    import requests
    import sseclient

    answer = requests.get(url, stream=True, headers=headers_after(last), timeout=60)
    for event in sseclient.SSEClient(answer).events():
        say(event.event, event.data, event.id)
        last = event.id or last
        yield last


def requests_sse(url, last):
    from requests_sse import EventSource

    with EventSource(url, headers=headers_after(last), timeout=60) as source:
        for event in source:
            say(event.type, event.data, event.last_event_id)
            last = event.last_event_id or last
            yield last


def urllib3_stream(url, last):
    import urllib3

    pool = urllib3.PoolManager(timeout=60, ca_certs=None)
    accept = {"Accept-Encoding": urllib3.util.make_headers(accept_encoding=True)["accept-encoding"]}
    answer = pool.request(
        "GET", url, preload_content=False, retries=False, headers={**accept, **headers_after(last)}
    )
    text = b""
    for part in answer.stream(65536):
        text += part
        while b"\n\n" in text:
            frame, text = text.split(b"\n\n", 1)
            fields = dict(
                line.split(": ", 1) for line in frame.decode().split("\n") if ": " in line
            )
            say(fields.get("event"), fields.get("data"), fields.get("id"))
            last = fields.get("id", last)
            yield last


def aiohttp_sse(url, last):
    from aiohttp_sse_client2.client import EventSource

    async def read(position):
        async with EventSource(url, headers=headers_after(position)) as source:
            async for event in source:
                say(event.type, event.data, event.last_event_id)
                position_now[0] = event.last_event_id or position_now[0]

    position_now = [last]
    try:
        asyncio.run(read(last))
    finally:
        yield position_now[0]


CLIENTS = {
    "httpx-sse": httpx_sse,
    "sseclient-py": sseclient_py,
    "requests-sse": requests_sse,
    "urllib3": urllib3_stream,
    "aiohttp-sse-client2": aiohttp_sse,
}


def main():
    read = CLIENTS[sys.argv[1]]
    last = None
    while True:
        try:
            for last in read(sys.argv[2], last):
                pass
        except Exception as error:  # The server is away, or the library gave up: again.
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        time.sleep(PAUSE_SECONDS)


main()
