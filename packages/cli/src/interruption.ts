/**
 * A signal for the first Ctrl-C (or SIGTERM), which also says so; a second one ends the process at
 * once. `stop()` leaves Ctrl-C as it was.
 */
export function interruptible(message: string): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  const abort = () => {
    process.stderr.write(`\n${message}\n`);
    stop();
    controller.abort();
  };
  const stop = () => {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  };
  process.on('SIGINT', abort);
  process.on('SIGTERM', abort);
  return { signal: controller.signal, stop };
}
