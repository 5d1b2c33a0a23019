import { expect, test } from '@jest/globals';
import { Newest } from './newest.js';

test('one value is out at a time, and of those that wait only the newest is sent', () => {
  const sent: number[] = [];
  const newest = new Newest<number>((value) => sent.push(value));
  newest.ask(1);
  newest.ask(2);
  expect(sent).toEqual([]);
  newest.next();
  expect(sent).toEqual([2]);
  newest.ask(3);
  newest.ask(4);
  expect(sent).toEqual([2]);
  newest.next();
  newest.next();
  expect(sent).toEqual([2, 4]);
  newest.ask(5);
  expect(sent).toEqual([2, 4, 5]);
});
