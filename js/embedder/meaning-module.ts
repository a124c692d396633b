/** What meaning.wasm gives (wasm/meaning_bindings.cpp): numbers in, numbers out; see meaning.ts. */
export interface MeaningModule {
  open(): number;
  close(meaning: number): void;
  version(meaning: number): number;
  input(meaning: number, bytes: number): number;
  output(meaning: number): number;
  loadVocabulary(meaning: number, length: number, expected: number): number;
  encode(meaning: number, length: number, most: number, special: 0 | 1, offsets: 0 | 1): number;
  ids(meaning: number): number;
  offsets(meaning: number): number;
  tokenTexts(meaning: number): number;
  loadLight(meaning: number, length: number): number;
  lightVector(meaning: number): number;
  room(meaning: number, floats: number): number;
  pool(meaning: number, first: number, tokens: number, dimensions: number): number;
  loadWords(meaning: number, length: number): number;
  loadJudge(meaning: number, length: number): number;
  openQuestions(meaning: number): number;
  closeQuestions(questions: number): void;
  restore(meaning: number, questions: number, length: number, vectors: number, turns: number): number;
  ask(meaning: number, questions: number, length: number, turns: number, policy: number): number;
  questionTokens(meaning: number, questions: number, question: number): number;
  setVectors(meaning: number, questions: number, question: number, tokens: number): void;
  hasVectors(questions: number, question: number): number;
  vectorsOf(meaning: number, questions: number, question: number): number;
  judge(meaning: number, questions: number, question: number, candidate: number, policy: number, least: number): number;
  keepQuestion(questions: number, question: number): void;
  dropQuestion(questions: number, question: number): void;
  openIndex(dimensions: number): number;
  closeIndex(index: number): void;
  removeVector(index: number, row: number): number;
  indexBytes(index: number): number;
  indexSize(index: number): number;
  addVectors(meaning: number, index: number, count: number): number;
  updateVector(meaning: number, index: number, row: number, tags: number): number;
  searchVectors(meaning: number, index: number, partition: number, k: number, minScore: number, tags: number): number;
  beginSave(meaning: number, index: number): number;
  save(meaning: number): number;
  beginLoad(meaning: number, index: number): void;
  load(meaning: number, length: number): number;
  endLoad(meaning: number, index: number): number;
  checksum(meaning: number, length: number): number;
  readonly HEAPU8: Uint8Array;
  /** Set by js/embedder/meaning.ts: a call ended in a trap. */
  trapped?: boolean;
  stackSave(): number;
  stackRestore(stack: number): void;
}
