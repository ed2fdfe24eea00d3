/** A rule's edits of a header section. */
import type { CompiledHeaderEdits } from '../core/route.ts'

/**
 * Applies `edits` to a flat list of names (in lower case) and values, in the order remove, set, add, and returns the new list. No edit
 * touches what frames the message: such a rule is refused when it is written.
 */
export function editHeaders(list: readonly string[], edits: CompiledHeaderEdits): string[] {
  const edited: string[] = []
  for (let at = 0; at < list.length; at += 2) {
    if (!isReplaced(list[at]!, edits)) edited.push(list[at]!, list[at + 1]!)
  }
  for (const [name, value] of edits.set) edited.push(name, value)
  for (const [name, value] of edits.add) edited.push(name, value)
  return edited
}

// The lists of a rule are short: looking through them beats making a set for every request.
function isReplaced(name: string, { remove, set }: CompiledHeaderEdits): boolean {
  return remove.includes(name) || set.some(([replaced]) => replaced === name)
}
