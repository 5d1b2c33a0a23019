import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../failure.js';
import { type Loading, notBegun } from '../model-status.js';
import type {
  Beginning,
  EndReason,
  Reply,
  Request,
  Settings,
  Step,
  Token,
  View,
  WriterFacts,
} from './protocol.js';

/** A text that is being written, or was. */
export interface Run {
  tokens: readonly Token[];
  state: 'writing' | 'ended';
  /** Why it ended; undefined after a failure too. */
  reason?: EndReason | undefined;
  seed: number;
  /** The model sees the text from this token on. */
  from: number;
  firstMilliseconds?: number | undefined;
  speed?: number | undefined;
}

export interface Writer {
  loading: Loading;
  /** Of the model, once it is there. */
  contextLength: number | undefined;
  run: Run | undefined;
  /** What the tokens of the last text that ended looked at. */
  view: (View & { tokens: readonly Token[] }) | undefined;
  /** Why the last text could not be written. */
  failure: Failure | undefined;
  /** How many tokens the beginning is; undefined until it is counted. */
  count: number | undefined;
  /** Writes on from a text, or from tokens, whose `choice` is kept. */
  write: (beginning: string | readonly Token[], settings: Settings) => void;
  stop: () => void;
  /** Starts over after a failure. */
  retry: () => void;
}

/** The model at `url`, held by a worker while the component lives, and what it writes. */
export function useWriter(url: string, text: string): Writer {
  const [attempt, setAttempt] = useState(0);
  const [loading, setLoading] = useState<Loading>(notBegun);
  const [facts, setFacts] = useState<WriterFacts>();
  const [run, setRun] = useState<Run>();
  const [view, setView] = useState<Writer['view']>();
  const [failure, setFailure] = useState<Failure>();
  const [counted, setCounted] = useState<{ text: string; count: number }>();
  const send = useRef<(request: Request) => void>(() => {});
  const number = useRef(0);
  const kept = useRef<readonly Token[]>([]);

  useEffect(() => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    send.current = (request) => worker.postMessage(request);
    let now: Run | undefined;
    const show = (next: Run | undefined) => {
      now = next;
      setRun(next);
    };
    // Steps may come faster than the screen shows them.
    let waiting: Step[] = [];
    let frame = 0;
    const showSteps = () => {
      cancelAnimationFrame(frame);
      frame = 0;
      const last = waiting.at(-1);
      if (!now || !last) return;
      const { from, firstMilliseconds, speed } = last;
      const tokens = [...now.tokens, ...waiting.map(({ token }) => token)];
      waiting = [];
      show({ ...now, tokens, from, firstMilliseconds, speed });
    };
    const hear = (reply: Reply) => {
      if ('run' in reply && reply.run !== number.current) return;
      if (reply.type === 'progress') {
        setLoading({ state: 'loading', loaded: reply.loaded, total: reply.total });
      } else if (reply.type === 'ready') {
        setLoading({ state: 'ready', model: reply.model });
        setFacts(reply.model);
      } else if (reply.type === 'counted') {
        setCounted(reply);
      } else if (reply.type === 'began') {
        waiting = [];
        const choices = kept.current.map((token) => token.choice);
        const tokens = reply.tokens.map((token, i) => ({ ...token, choice: choices[i] }));
        show({ tokens, state: 'writing', seed: reply.seed, from: 0 });
      } else if (reply.type === 'wrote') {
        waiting.push(reply.step);
        frame ||= requestAnimationFrame(showSteps);
      } else if (reply.type === 'ended') {
        showSteps();
        show(now && { ...now, state: 'ended', reason: reply.reason });
        if (now) setView({ ...reply.view, tokens: now.tokens.slice(reply.view.from) });
      } else if (reply.during === 'load') {
        setLoading({ state: 'failed', failure: reply });
      } else {
        showSteps();
        // What was looked at is of another text.
        setView(undefined);
        show(now?.tokens.some((token) => token.choice) ? { ...now, state: 'ended' } : undefined);
        setFailure(reply);
      }
    };
    worker.onmessage = ({ data }: MessageEvent<Reply>) => hear(data);
    // The script itself did not arrive or did not start.
    worker.onerror = ({ message }) =>
      hear({ type: 'failed', during: 'load', code: 'WORKER_FAILED', message: message ?? '' });
    setLoading(notBegun);
    send.current({ type: 'load', url });
    return () => {
      cancelAnimationFrame(frame);
      worker.terminate();
    };
  }, [url, attempt]);

  const ready = loading.state === 'ready';
  useEffect(() => {
    if (ready) send.current({ type: 'count', text });
  }, [text, ready]);

  const write = (beginning: string | readonly Token[], settings: Settings) => {
    setFailure(undefined);
    kept.current = typeof beginning === 'string' ? [] : beginning;
    const from: Beginning =
      typeof beginning === 'string'
        ? { text: beginning }
        : { ids: beginning.map((token) => token.id) };
    send.current({ type: 'write', run: ++number.current, beginning: from, settings });
  };
  return {
    loading,
    contextLength: facts?.contextLength,
    run,
    view,
    failure,
    count: counted?.text === text ? counted.count : undefined,
    write,
    stop: () => send.current({ type: 'stop' }),
    retry: () => setAttempt(attempt + 1),
  };
}
