/** Texts that `hashText` cannot tell apart: the deepest nodes of a `PersistentMap` hold them. */
export const equalHashes = ['collision', '3sa6ar6', '1gevc8h', 'a7erf1j', 'x1zvkzn'] as const
