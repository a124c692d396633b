'use client';

import { useEffect, useRef } from 'react';
import { useReply } from 'tierwise/react';

import { ask } from './ask.js';
import { askWithReact } from './ask-with-react.js';
import { serversOfPage } from './servers-of-page.js';

export function Asking() {
  const { status } = useReply();
  const place = useRef(null);
  useEffect(() => {
    const main = async () => {
      return { ...(await ask(serversOfPage())), hooks: await askWithReact(serversOfPage(), place.current) };
    };
    main().then(
      (outcome) => (globalThis.outcome = outcome),
      (error) => (globalThis.outcome = { failed: String(error) }),
    );
  }, []);
  return (
    <main>
      <p>{status}</p>
      <div ref={place} />
    </main>
  );
}
