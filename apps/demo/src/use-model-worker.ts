import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from './failure.js';
import type { ModelFacts } from './model-facts.js';
import { type Loading, notBegun } from './model-status.js';

/** What every worker that holds a model says of it. */
type OfModel<Facts> =
  | { type: 'progress'; loaded: number; total: number | undefined }
  | { type: 'ready'; model: Facts }
  | ({ type: 'failed'; during: 'load' } & Failure);

/** What it says once the model is there. */
export type Heard<Reply> = Exclude<Reply, { type: 'progress' }>;

interface ModelWorkerOptions<Reply> {
  /** The model's folder. */
  url: string;
  start: () => Worker;
  hear: (reply: Heard<Reply>) => void;
}

/** A worker that holds a model while the component lives. */
export function useModelWorker<Request, Reply, Facts extends ModelFacts = ModelFacts>(
  options: ModelWorkerOptions<Reply>,
) {
  const { url } = options;
  const [attempt, setAttempt] = useState(0);
  const [loading, setLoading] = useState<Loading<Facts>>(notBegun);
  const worker = useRef<Worker>(undefined);
  const latest = useRef(options);
  latest.current = options;

  useEffect(() => {
    const thread = latest.current.start();
    worker.current = thread;
    const hear = (reply: OfModel<Facts>) => {
      if (reply.type === 'progress') {
        setLoading({ state: 'loading', loaded: reply.loaded, total: reply.total });
      } else if (reply.type === 'failed' && reply.during === 'load') {
        setLoading({ state: 'failed', failure: reply });
      } else {
        if (reply.type === 'ready') setLoading({ state: 'ready', model: reply.model });
        latest.current.hear(reply as Heard<Reply>);
      }
    };
    thread.onmessage = ({ data }: MessageEvent<OfModel<Facts>>) => hear(data);
    // The script itself did not arrive or did not start.
    thread.onerror = ({ message }) =>
      hear({ type: 'failed', during: 'load', code: 'WORKER_FAILED', message: message ?? '' });
    setLoading(notBegun);
    thread.postMessage({ type: 'load', url });
    return () => thread.terminate();
  }, [url, attempt]);

  const send = (request: Request) => worker.current!.postMessage(request);
  /** Starts over after a failure. */
  const retry = () => setAttempt(attempt + 1);
  return { loading, attempt, send, retry };
}
