/**
 * Text as it arrives -> frames: server-sent events (WHATWG HTML, 9.2.6) and lines of JSON.
 *
 * Not a library, because every streamed token passes here and servers are not trusted: what is fed is searched once,
 * however it is cut, and a stream of nothing but line ends or unknown fields costs no more than its length.
 */

export interface Frame {
  /** SSE event name, when one was sent. */
  event: string | undefined;
  data: string;
}
export interface Feed {
  push: (text: string) => void;
  end: () => void;
}

/**
 * An SSE field named `error` (llama.cpp of early 2025: `error: {…}`) comes as event `error`; so does an event of that
 * name without data. The last event may lack its blank line.
 */
export function events(hear: (frame: Frame) => void): Feed {
  let event: string | undefined;
  let data: string | undefined;
  const end = () => {
    if (data !== undefined || event === 'error') hear({ event, data: data ?? '' });
    event = data = undefined;
  };
  const feed = lines((line) => {
    if (line === '') return end();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const start = line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1;
    const value = colon === -1 ? '' : line.slice(start);
    if (field === 'data') data = data === undefined ? value : `${data}\n${value}`;
    else if (field === 'event') event = value === '' ? undefined : value;
    else if (field === 'error') hear({ event: 'error', data: value });
  });
  return {
    push: feed.push,
    end: () => {
      feed.end();
      end();
    },
  };
}

/** One frame for each line that is not blank. */
export function jsonLines(hear: (frame: Frame) => void): Feed {
  return lines((line) => {
    const data = line.trim();
    if (data !== '') hear({ event: undefined, data });
  });
}

/** Lines end with CR, LF or both. */
function lines(take: (line: string) => void): Feed {
  let rest = '';
  let afterReturn = false;
  return {
    push(text) {
      if (text === '') return;
      // The LF of a CR LF that was cut in two.
      let at = afterReturn && text.charCodeAt(0) === 0x0a ? 1 : 0;
      afterReturn = false;
      let feed = text.indexOf('\n', at);
      let carriage = text.indexOf('\r', at);
      while (feed !== -1 || carriage !== -1) {
        const end = feed === -1 || (carriage !== -1 && carriage < feed) ? carriage : feed;
        take(rest + text.slice(at, end));
        rest = '';
        at = end + 1;
        if (end === carriage) {
          if (at === text.length) afterReturn = true;
          else if (at === feed) at++;
        }
        // Each is looked for again only once it is behind.
        if (feed !== -1 && feed < at) feed = text.indexOf('\n', at);
        if (carriage !== -1 && carriage < at) carriage = text.indexOf('\r', at);
      }
      rest += text.slice(at);
    },
    end() {
      if (rest !== '') take(rest);
      rest = '';
    },
  };
}
