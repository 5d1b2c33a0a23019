/** A token as it is read aloud, where it would not be; undefined where it would. */
export function spokenOf({ text, name }: { text: string; name: string }): string | undefined {
  if (text.trim() !== '') return undefined;
  if (text === '') return name;
  return text.includes('\n') ? 'line break' : 'space';
}
