/**
 * Reads an event stream with one client library and prints each event as a line of JSON: `node.mjs
 * CLIENT URL`. Those that do not reconnect by themselves are called again, with the last id.
 */

const [client, url] = process.argv.slice(2);
const PAUSE_MS = 300;
const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

function say(type, data, id) {
  if (type === "goal") console.log(JSON.stringify({ data, id }));
}

function listen(source) {
  source.addEventListener("goal", ({ data, lastEventId }) => say("goal", data, lastEventId));
}

async function* textOf(open) {
  let last = "";
  const remember = (id) => {
    last = id || last;
  };
  for (;;) {
    try {
      const decoder = new TextDecoder();
      const headers = last === "" ? {} : { "last-event-id": last };
      for await (const bytes of await open({ accept: "text/event-stream", ...headers }))
        yield [decoder.decode(bytes, { stream: true }), remember];
    } catch (error) {
      console.error(String(error));
    }
    yield [undefined, remember];
    await pause();
  }
}

/** With a parser that others wrote, whatever brings the text. */
async function parse(open) {
  const { createParser } = await import("eventsource-parser");
  let note = () => {};
  const onEvent = ({ event, data, id }) => {
    note(id);
    say(event, data, id);
  };
  let parser = createParser({ onEvent });
  for await (const [text, remember] of textOf(open)) {
    note = remember;
    if (text === undefined) parser = createParser({ onEvent });
    else parser.feed(text);
  }
}

const CLIENTS = {
  async eventsource() {
    const { EventSource } = await import("eventsource");
    listen(new EventSource(url));
  },
  async undici() {
    const { EventSource } = await import("undici");
    listen(new EventSource(url));
  },
  async "event-source-polyfill"() {
    const { XMLHttpRequest } = await import("xmlhttprequest-ssl");
    globalThis.XMLHttpRequest = XMLHttpRequest;
    globalThis.window = globalThis;
    const { EventSourcePolyfill } = (await import("event-source-polyfill")).default;
    listen(new EventSourcePolyfill(url, { heartbeatTimeout: 60_000 }));
  },
  async "@microsoft/fetch-event-source"() {
    globalThis.window = globalThis;
    globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
    const { fetchEventSource } = await import("@microsoft/fetch-event-source");
    // It ends with a stream that ends in good order, so it is called again.
    const headers = {};
    for (;;) {
      await fetchEventSource(url, {
        fetch,
        headers,
        openWhenHidden: true,
        onmessage({ event, data, id }) {
          if (id) headers["last-event-id"] = id;
          say(event, data, id);
        },
        onerror: () => PAUSE_MS,
      });
      await pause();
    }
  },
  "eventsource-parser": () =>
    parse(async (headers) => (await fetch(url, { headers, cache: "no-store" })).body),
  async axios() {
    const { default: axios } = await import("axios");
    await parse(
      async (headers) => (await axios.get(url, { headers, responseType: "stream" })).data,
    );
  },
};

await CLIENTS[client]();
