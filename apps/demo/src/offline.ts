/**
 * Keeps the site on the device for visits with no network. Called once a page has all it needs, so
 * that the copy does not compete with the download the visitor is waiting for.
 */
export function keepForOffline(): void {
  // While developing, an old copy would only be in the way.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  navigator.serviceWorker.register('service-worker.js').catch((error: unknown) => {
    // Private windows may refuse: the page works all the same, only not offline.
    console.info('Not kept for offline use:', error);
  });
}
