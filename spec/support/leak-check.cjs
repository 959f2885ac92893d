const { setTimeout } = require('node:timers/promises');

/** Milliseconds after which Jest's own short-lived timers are over. */
const QUIET = 200;
/** Milliseconds that handles get to close: they do a few turns of the event loop after they were told to. */
const PATIENCE = 3_000;

/** Resources of this process that are Jest's own, or that a file before has left and was failed for. */
let known;

/**
 * A Jest environment, made stricter: it fails a test file that leaves a socket, a server, a process, a timer or a listener of
 * `process` behind. It looks after the last `afterAll` of the file; an `afterAll` in a set-up file would run before those.
 */
module.exports = (Environment) =>
  class extends Environment {
    /** The listeners are those of the file's own `process`: each sandbox has one. */
    #listeners;

    async setup() {
      await super.setup();
      this.#listeners = this.#listenersNow();
      if (!known) await setTimeout(QUIET);
      known = known ? common(known, resources()) : resources();
    }

    async handleTestEvent(event, state) {
      await super.handleTestEvent?.(event, state);
      if (event.name !== 'run_finish') return;
      const deadline = Date.now() + PATIENCE;
      let left = without(resources(), known);
      while (left.length > 0 && Date.now() < deadline) {
        await setTimeout(5);
        left = without(resources(), known);
      }
      known.push(...left);
      left.push(...without(this.#listenersNow(), this.#listeners));
      if (left.length > 0) state.unhandledErrors.push(complaint(left));
    }

    #listenersNow() {
      const { process } = this.global;
      return process
        .eventNames()
        .flatMap((name) => Array(process.listenerCount(name)).fill(`listener of process for '${String(name)}'`));
    }
  };

/** The kinds of what keeps the process alive, one for each: 'TCPSocketWrap', 'Timeout', … An immediate is over in a moment. */
function resources() {
  return process.getActiveResourcesInfo().filter((kind) => kind !== 'Immediate');
}

function without(all, some) {
  const rest = [...all];
  for (const one of some) if (rest.includes(one)) rest.splice(rest.indexOf(one), 1);
  return rest;
}

function common(some, others) {
  return without(some, without(some, others));
}

function complaint(left) {
  const counted = [...new Set(left)].map((kind) => `  ${left.filter((one) => one === kind).length} × ${kind}`);
  const error = new Error(
    `after its last test and hook this file has left behind (--detectOpenHandles tells where it came from):\n${counted.join('\n')}`,
  );
  // Jest prints it below the message, and has nothing to show but itself.
  error.stack = '';
  return error;
}
