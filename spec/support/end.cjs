/** Milliseconds that what is left gets to end by itself. */
const PATIENCE = 10_000;

/**
 * Jest's global tear-down. A test that failed may have left a socket or a timer in this process, which would keep it alive for ever: it
 * ends then, and not as if all were well. The leak check has named the file.
 */
module.exports = ({ watch, watchAll }) => {
  if (watch || watchAll) return;
  setTimeout(() => {
    console.error(`Something that a test has left keeps the run alive: ${process.getActiveResourcesInfo().join(', ')}`);
    process.exit(1);
  }, PATIENCE).unref();
};
