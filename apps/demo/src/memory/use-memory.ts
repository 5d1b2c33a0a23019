import { useEffect, useRef, useState } from 'preact/hooks';
import type { Failure } from '../failure.js';
import { type Heard, useModelWorker } from '../use-model-worker.js';
import type { MemoryFacts, Race, Reply, Request, TokenText, View } from './protocol.js';

/** A text that was read, as far as that has come. */
export interface Reading extends TokenText {
  number: number;
  /** What was written. */
  written: string;
  /** By length of memory. */
  measured: ReadonlyMap<number, Measured>;
}

interface Measured {
  /** How surprising each token is. */
  bits: Float32Array;
  /** How long the text took. */
  milliseconds: number;
}

/** How long the typing, and the choosing, must rest, in milliseconds. */
const REST = 150;

/** The model at `url`, held by a worker while the component lives, and what it makes of the text. */
export function useMemory(url: string, text: string, memory: number) {
  const [reading, setReading] = useState<Reading>();
  const [view, setView] = useState<View & { reading: number }>();
  const [race, setRace] = useState<Race>();
  const [failure, setFailure] = useState<Failure>();
  /** What was asked for last; what is said of other texts is late. */
  const asked = useRef({ number: 0, text: '', memory: 0 });
  const coming = useRef<Reading>(undefined);

  const hear = (reply: Heard<Reply>) => {
    if ('reading' in reply && reply.reading !== asked.current.number) return;
    if (reply.type === 'cut') {
      const { number, text: written } = asked.current;
      coming.current = { ...reply.text, number, written, measured: new Map() };
      if (reply.text.tokens.length === 0) setReading(coming.current);
    } else if (reply.type === 'measured') {
      const { memory, bits, milliseconds } = reply;
      const { measured, ...rest } = coming.current!;
      coming.current = { ...rest, measured: new Map(measured).set(memory, { bits, milliseconds }) };
      // The text before stays in sight until there is as much to say of this one.
      if (coming.current.measured.has(asked.current.memory)) setReading(coming.current);
    } else if (reply.type === 'looked') {
      setView({ ...reply.view, reading: reply.reading });
    } else if (reply.type === 'raced') {
      setRace(reply.race);
    } else if (reply.type === 'failed') {
      setFailure(reply);
      if (reply.during === 'race') setRace(undefined);
    }
  };
  const { loading, send, retry } = useModelWorker<Request, Reply, MemoryFacts>({
    url,
    start: () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
    hear,
  });

  const ready = loading.state === 'ready';
  useEffect(() => {
    if (!ready) return;
    const timer = setTimeout(() => {
      setFailure(undefined);
      setRace(undefined);
      asked.current = { number: asked.current.number + 1, text, memory };
      send({ type: 'read', reading: asked.current.number, text, memory });
    }, REST);
    return () => clearTimeout(timer);
  }, [text, ready]);

  /** Asks what the tokens of a segment look at: the next `view`. */
  const look = (memory: number, segment: number) =>
    send({ type: 'look', reading: reading!.number, memory, segment });
  const startRace = (attention: number) => {
    setFailure(undefined);
    send({ type: 'race', reading: reading!.number, attention });
  };
  const stopRace = () => send({ type: 'stop' });
  return { loading, retry, reading, view, race, failure, look, startRace, stopRace };
}
