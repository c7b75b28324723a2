/** Server-sent events over fetch: unlike EventSource it sends a token, and says when it is lost and back. */

import { open } from "./api.js";

/** The view says something, if only a comment, more often than this (ms). */
const LONGEST_SILENCE = 45_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;
/** A tab that nobody sees lets go after this (ms): a browser has six connections to a host, for all its tabs. */
const UNSEEN = 60_000;

/**
 * Follow a stream for ever. `on.opened()`, `on.message(type, data)` and `on.lost()` are called as it goes; after a
 * loss it tries again, later and later, or at once when what is returned is called. `on.resting()` is called when
 * it lets go because nobody sees the page; it goes on when somebody does.
 */
export function follow(path, on, unseen = UNSEEN) {
  let wake = () => {};
  const run = async () => {
    let wait = FIRST_WAIT;
    let lastId = null;
    for (;;) {
      await seen();
      const rest = restWhenUnseen(unseen);
      try {
        await attend(path, lastId, rest.signal, {
          opened: () => {
            wait = FIRST_WAIT;
            on.opened();
          },
          message: ({ id, type, data }) => {
            lastId = id ?? lastId;
            try {
              on.message(type, data);
            } catch (error) {
              reportError(error); // a mistake of ours is no loss of the connection
            }
          },
        });
      } catch {
        // Whatever it was, the way on is the same.
      } finally {
        rest.over();
      }
      if (rest.signal.aborted) {
        on.resting();
        continue;
      }
      on.lost();
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait);
      });
      wait = Math.min(wait * 2, LONGEST_WAIT);
    }
  };
  run();
  return () => wake();
}

/** Wait until somebody sees the page. */
function seen() {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
}

/** Return a signal that aborts when the page was unseen for so long, and what ends the watch. */
function restWhenUnseen(unseen) {
  const rest = new AbortController();
  let timer;
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => rest.abort(), unseen);
  };
  const over = () => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", look);
  };
  document.addEventListener("visibilitychange", look);
  return { signal: rest.signal, over };
}

/** Read one connection to its end. Raises when it breaks, is silent for too long, or `rest` aborts. */
async function attend(path, lastId, rest, on) {
  const over = new AbortController();
  rest.addEventListener("abort", () => over.abort(), { once: true });
  let alarm;
  const heard = () => {
    clearTimeout(alarm);
    alarm = setTimeout(() => over.abort(), LONGEST_SILENCE);
  };
  try {
    const headers = { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) };
    heard();
    const response = await open(path, { headers, signal: over.signal });
    on.opened();
    const parse = parser(on.message);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
      heard();
      parse(chunk.value);
    }
  } finally {
    clearTimeout(alarm);
  }
}

/** Return a function that takes pieces of the stream and passes each event, when it is complete, to `message`. */
export function parser(message) {
  let rest = "";
  let event = { data: [] };
  const take = (line) => {
    if (line === "") {
      if (event.data.length) message({ id: event.id, type: event.event ?? "message", data: event.data.join("\n") });
      event = { data: [] };
      return;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "data") event.data.push(value);
    else if (field) event[field] = value;
  };
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    lines.forEach(take);
  };
}
