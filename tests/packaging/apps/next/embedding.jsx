'use client';

import { useEffect } from 'react';

import { embedAll } from './embed.js';

export function Embedding() {
  useEffect(() => {
    embedAll().then(
      (outcome) => (globalThis.outcome = outcome),
      (error) => (globalThis.outcome = { failed: String(error) }),
    );
  }, []);
  return <p>idle</p>;
}
