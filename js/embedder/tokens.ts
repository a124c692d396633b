/** What a text is to a model. */
export interface Tokens {
  ids: Int32Array;
  /** As they stand in the vocabulary: `##ing` goes on with a word. */
  tokens: string[];
  /** Of each token, where in the text it begins and ends, in UTF-16 units; 0, 0 for `[CLS]` and `[SEP]` around the text. */
  offsets: [begin: number, end: number][];
  /** Tokens were left out at the end, because there were more than `maxTokens`. */
  cut: boolean;
}
