/** Texts in which something comes back after more than a segment. */
export const examples: readonly { title: string; text: string }[] = [
  {
    title: 'A voyage',
    text:
      'Thomas Morgan came to Nantucket in the spring, with a letter from his father and not a dollar ' +
      'in his pocket. He had never seen the sea. The first man he met in the street was an old ' +
      'captain by the name of Peleg, who looked at his hands and laughed. "You have the hands of a ' +
      'clerk," said the captain, "but I want a man who can write, and my ship sails on Monday." So ' +
      'Thomas went with him down to the harbor, and there lay the Rachel, a small black ship with ' +
      'three boats at her sides. "She is the oldest ship in Nantucket," said Captain Peleg, "and the ' +
      'best." So it was that Thomas Morgan went to sea.\n\n' +
      'For the first weeks the weather was good. The Rachel sailed south, and then south again, ' +
      'and the young man wrote down the days in the great book of the ship: the wind, the course, and ' +
      'how many whales had been seen. In the evening the men sat together on the deck and told each ' +
      'other of their homes. One was from Portugal, another from Canada, and a third, whose name was ' +
      'Pip, would not say where he had been born. It was Pip who made the music, and when he played, ' +
      'the one from Portugal wept and the one from Canada was silent. Captain Peleg alone stayed ' +
      'below, and no one knew what he did there by the light of his lamp until the morning.\n\n' +
      'In the month of June a storm came out of the west. It took away two of the boats and broke ' +
      'the mast of the Rachel, and for four days there was no fire and nothing to eat but bread. ' +
      'On the fifth day the sea lay still. Then Captain Peleg came up from below with a paper in his ' +
      'hand. He called for Thomas Morgan, and he said: "You have written down every day of this ' +
      'voyage. Now write in the great book of the ship that the Rachel shall not go home to ' +
      'Nantucket before I have seen the island that is on this paper." The men looked at one ' +
      'another. From the bow came the music of Pip, who had begun to play.\n\n' +
      'They found the island, and there was nothing on it: some birds, a little grass, and a great ' +
      'many rocks. Captain Peleg walked about on it for an hour, and came back, and said no word. The ' +
      'one from Portugal said that it was a bad sign, and the one from Canada said that it was no ' +
      'sign at all, and Pip laughed at them both. That night Thomas Morgan wrote in the great book of ' +
      'the ship: the wind, the course, and that no whales had been seen. In October the Rachel ' +
      'was again in the harbor of Nantucket. Captain Peleg gave Thomas his hand, looked at it, and ' +
      'laughed. "It is not the hand of a clerk any more," said he.',
  },
  {
    title: 'A message to Congress',
    text:
      'Fellow citizens of the Senate and of the House of Representatives: I have to report to you on ' +
      'the state of our relations with the Republic of Colombia, and on the canal across the Isthmus ' +
      'of Panama. The commission that was appointed last year has finished its work. It finds that ' +
      'the canal can be built in eight years, and that its cost will not exceed two hundred million ' +
      'dollars. The treaty with Colombia was signed in January and awaits your action.\n\n' +
      'The condition of the Treasury is good. The revenues of the year were greater than its ' +
      'expenses, and a part of the public debt has been paid. Our trade with Brazil and with Mexico ' +
      'has grown, and so has that with the islands of the Caribbean. The Army has been reduced to ' +
      'the number that the law allows. The Navy has received four new ships, and two more are to be ' +
      'finished before the end of the next year. The Postmaster General asks that the rates of ' +
      'postage be made the same for the whole of the country, and I recommend it to you.\n\n' +
      'In the Territories there has been peace, and the harvest was good. The Secretary of the ' +
      'Interior reports that the public lands are being taken up faster than at any time before, and ' +
      'that schools are wanted everywhere. He recommends that a part of what the lands bring be given ' +
      'to the schools. It is my opinion that nothing could be of greater benefit to the people.\n\n' +
      'I come back to the canal across the Isthmus of Panama. The commission believes that the work ' +
      'should begin at once. Should the Senate not agree to the treaty with Colombia, the canal must ' +
      'wait, or be built elsewhere. The Postmaster General tells me what the mails to California cost ' +
      'us at present, and the Secretary of the Navy how long a ship needs from New York to San ' +
      'Francisco. I ask you to consider both, and to act on the treaty before the end of this session.',
  },
  {
    title: 'The same again',
    text:
      'The old doctor lived in a white house behind the church, and every morning he walked down to ' +
      'the river with his dog. He carried a blue umbrella, in the rain and in the sun, and he greeted ' +
      'everyone whom he met by name. On Thursday he did not come.\n\n' +
      'The old doctor lived in a white house behind the church, and every morning he walked down to ' +
      'the river with his dog. He carried a blue umbrella, in the rain and in the sun, and he greeted ' +
      'everyone whom he met by name. On Thursday he did not come.\n\n' +
      'The old doctor lived in a white house behind the church, and every morning he walked down to ' +
      'the river with his dog. He carried a blue umbrella, in the rain and in the sun, and he greeted ' +
      'everyone whom he met by name. On Thursday he did not come.',
  },
];
