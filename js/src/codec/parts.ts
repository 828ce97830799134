/** The packed form of plain objects and arrays: one word for each part, and the text of all strings behind them. */

/**
 * Words of 32 bits, then UTF-8. Word 0 says how many words there are, word 1 where the table of
 * shapes begins, word 2 how many code units the text has. Then comes one word for each part in the
 * order of a walk, its kind in the low bits and a number above:
 *
 * | kind | its number | what follows |
 * |---|---|---|
 * | string | code units | |
 * | integer | the integer | |
 * | double, date | 0 | two words: the float64 |
 * | array | elements | each of them |
 * | object | its shape | the value of each of the shape's names |
 * | constant | which of `CONSTANTS` | |
 *
 * The table: a count of shapes; of each a count of names, then the code units of each name. The text
 * is all names, then all strings, in order, with nothing in between: the browser writes and reads it at
 * once, which is where the time goes that strings take one by one.
 */
export const Part = { string: 0, integer: 1, double: 2, array: 3, object: 4, constant: 5, date: 6 } as const;

/** How many bits a kind takes. */
export const BITS = 3;
/** The kind of a word is in these bits. */
export const KIND = 7;
/** Words before the first part. */
export const FIRST = 3;

/** The values that need no number, by theirs. */
export const CONSTANTS = [null, undefined, false, true] as const;
