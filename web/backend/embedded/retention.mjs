/**
 * Deletes what is too old (`tierwise.apply_retention`): shortly after the start, then once a day. In portions, one
 * transaction each, so that requests never wait for long.
 */
const kFirstMs = 10_000;
const kDayMs = 86_400_000;
const kAgainMs = 3_600_000;

/** `sql`: a connection as the owner of the tables. Gives `stop()`; `onNote(text)` is told of a failure, which is tried again in an hour. */
export function keepRetention(sql, { onNote = () => {}, firstMs = kFirstMs } = {}) {
  let timer;
  let running = Promise.resolve();
  let stopped = false;
  const again = (ms) => {
    if (stopped) return;
    timer = setTimeout(() => {
      running = apply().then(
        () => again(kDayMs),
        (error) => {
          if (!stopped) onNote(`What is too old was not deleted (${error.message}); it is tried again in an hour.`);
          again(kAgainMs);
        },
      );
    }, ms);
    timer.unref();
  };
  const apply = async () => {
    while (!stopped && (await sql`select * from tierwise.apply_retention()`).length > 0);
  };
  again(firstMs);
  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
