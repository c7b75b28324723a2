/** Server-sent events over fetch: unlike EventSource it sends a token, and says when it is lost and back. */

import { open } from "./api.js";

/** The view says something, if only a comment, more often than this (ms). */
const LONGEST_SILENCE = 45_000;
const FIRST_WAIT = 500;
const LONGEST_WAIT = 10_000;

/**
 * Follow a stream for ever. `on.opened()`, `on.message(type, data)` and `on.lost(wait, error)` are called as it goes;
 * after a loss it tries again in `wait` ms, or at once when what is returned is called.
 */
export function follow(path, on) {
  let wake = () => {};
  const run = async () => {
    let wait = FIRST_WAIT;
    let lastId = null;
    for (;;) {
      let reason = "the stream ended";
      try {
        await attend(path, lastId, {
          opened: () => {
            wait = FIRST_WAIT;
            on.opened();
          },
          message: ({ id, type, data }) => {
            lastId = id ?? lastId;
            on.message(type, data);
          },
        });
      } catch (error) {
        reason = error;
      }
      on.lost(wait, reason);
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

/** Read one connection to its end. Raises when it breaks, or is silent for too long. */
async function attend(path, lastId, on) {
  const over = new AbortController();
  let alarm;
  const heard = () => {
    clearTimeout(alarm);
    alarm = setTimeout(() => over.abort(), LONGEST_SILENCE);
  };
  try {
    const headers = { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) };
    const response = await open(path, { headers, signal: over.signal });
    heard();
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
