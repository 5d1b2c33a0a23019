export function AboutPage() {
  return (
    <>
      <h1>About</h1>
      <p>
        <strong>multihead</strong> is a set of TypeScript packages to read, train, inspect and ship
        language models such as BERT. This site shows them at work.
      </p>
      <h2>Where it runs</h2>
      <p>
        In this page, on your processor, through WebAssembly SIMD. The models are a few megabytes
        each; your browser fetches them once and keeps them, so the site works offline afterwards.
        There is no server that computes, and nothing you type leaves your device.
      </p>
      <h2>What to make of it</h2>
      <p>
        The models behind “Fill in the blank”, “Write” and “Remember” are very small and were
        trained from scratch on speeches to the United States congress, a novel about whaling and a
        collection of everyday English of 1961. They know the words, habits and prejudices of those
        texts and nothing else: read what they say as a picture of how such models work, not as
        facts. The vocabularies behind “Tokens” were learned from the same texts.
      </p>
    </>
  );
}
