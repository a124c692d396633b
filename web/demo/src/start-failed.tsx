/** Shown instead of everything when no client could be made: `config.json` is wrong. */
export function StartFailed({ error }: { error: unknown }) {
  return (
    <main className="start-failed">
      <h1>The page could not start</h1>
      <p>The Spaces named in config.json beside this page cannot be used. Correct the file, then reload.</p>
      <pre>{error instanceof Error ? error.message : String(error)}</pre>
      <button type="button" className="button primary" onClick={() => location.reload()}>
        Reload
      </button>
    </main>
  );
}
