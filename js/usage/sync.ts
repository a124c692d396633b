/**
 * Background sync: a browser that has it wakes the application's service worker when the network is back, though every
 * tab is closed. The worker sends with `tierwise/usage-worker`.
 */
export const usageSyncTag = 'tierwise-usage';

/** In a page that a service worker controls; anywhere else nothing happens. */
export function askForSync(): void {
  const workers = (globalThis.navigator as { serviceWorker?: ServiceWorkerContainer } | undefined)?.serviceWorker;
  if (!workers?.controller) return;
  workers.ready
    .then((registration) => {
      const { sync } = registration as { sync?: { register(tag: string): Promise<void> } };
      return sync?.register(usageSyncTag);
    })
    // Refused by the user's settings: the next visit sends.
    .catch(() => undefined);
}
