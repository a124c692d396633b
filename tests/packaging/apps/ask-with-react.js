/** The hooks in a page: the same question twice, the second one from the cache. */
import { StrictMode, createElement, useEffect } from 'react';
import { createRoot } from 'react-dom/client';
import { TierwiseProvider, useReply } from 'tierwise/react';

export function askWithReact(servers, element) {
  return new Promise((resolve, reject) => {
    function Question() {
      const { ask } = useReply();
      useEffect(() => {
        const run = async () => {
          const first = await ask('What is Tierwise?');
          // StrictMode mounts twice in development; the first mount's question is cancelled.
          if (first === undefined) return;
          const second = await ask('What is Tierwise?');
          resolve([first.source, second?.source]);
        };
        run().catch(reject);
      }, [ask]);
      return null;
    }
    const config = { spaces: { base: { url: servers.plain, protocol: 'plain' } } };
    const tree = createElement(TierwiseProvider, { config }, createElement(Question));
    createRoot(element).render(createElement(StrictMode, undefined, tree));
  });
}
