/** Texts that the tokenizers cut in ways worth seeing. */
export const examples: readonly { title: string; text: string }[] = [
  {
    title: 'Plain English',
    text: 'The President spoke to the Congress, and the whalers went back to their ship.',
  },
  {
    title: 'Contractions',
    text: "I can't believe they're here; we'd've said it wasn't y'all's.",
  },
  {
    title: 'Rare words',
    text: 'The ichthyologist uncharacteristically misunderstood the blockchain influencers.',
  },
  {
    title: 'Numbers',
    text: 'In 1776 it was 3.14159, today it is $1,234,567.89: call +1 (555) 010-9999 by 07:45.',
  },
  {
    title: 'Code',
    text: 'for (let i = 0; i < words.length; i++) {\n\tif (words[i] == null)  return i;  // none\n}',
  },
  {
    title: 'Emoji',
    text: 'Well done 👏🏽, said the 👩‍👩‍👧‍👦 under the 🏳️‍🌈. 😀',
  },
  {
    title: 'Scripts',
    text: 'whale, ballena, кит, φάλαινα, לוויתן, حوت, ह्वेल, วาฬ, 鲸鱼, くじら, 고래',
  },
  {
    title: 'Accents',
    text: 'Café and cafe\u0301, naïve Ångströms in Łódź, a ﬁne Straße',
  },
  {
    title: 'Spaces',
    text: '  Two  spaces,\ta tab,\na new line, a hard\u00a0space, a zero\u200bwidth one. ',
  },
  {
    title: 'Special tokens',
    text: 'The [MASK] of <unk> stands in the text [SEP] and <|endoftext|> and <eos> as well.',
  },
];
