// `using` frees what it holds through `Symbol.dispose`, which some current browsers lack. Whoever has
// a method of that name imports this file first: package.json lists it among the side effects.
(Symbol as { dispose?: symbol }).dispose ??= Symbol.for('Symbol.dispose');

export {};
