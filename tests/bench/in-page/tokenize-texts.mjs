/** The texts that tokenizers are measured with: made of the vocabulary's words by how common they are, or written here. */

/** Whole numbers below `below`, the same for the same seed. */
function numbers(seed) {
  let state = (Math.imul(seed, 2654435761) + 12345) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Sentences of about 15 words; a word in eight is not in the vocabulary and falls into pieces, as in English text. */
function english(tokens, count, seed) {
  const below = numbers(seed);
  const common = tokens.slice(1996).filter((token) => /^[a-z]+$/.test(token));
  const endings = tokens.filter((token) => /^##[a-z]{2,}$/.test(token)).map((token) => token.slice(2));
  let text = '';
  let first = true;
  for (let i = 0; i < count; i++) {
    // By rank, as in Zipf's law.
    let one = common[Math.floor(common.length ** (below(1e6) / 1e6)) - 1];
    if (below(8) === 0) one += endings[below(endings.length)];
    if (first) one = one[0].toUpperCase() + one.slice(1);
    first = below(15) === 0;
    text += one + (first ? '. ' : below(12) === 0 ? ', ' : ' ');
  }
  return text.trimEnd();
}

const mixed = [
  'Könnten Sie mir bitte erklären, wie die Straßenbahn vom Hauptbahnhof zur Universität fährt?',
  'Où se trouve la bibliothèque la plus proche, et à quelle heure ferme-t-elle le samedi ?',
  '¿Cuánto cuesta un billete de ida y vuelta a Málaga para dos niños y un adulto?',
  'Почему небо голубое, а закат красный? Объясни простыми словами.',
  'Ποια είναι η πρωτεύουσα της Ελλάδας και πόσους κατοίκους έχει σήμερα;',
  'ما هي أفضل طريقة لتعلم لغة جديدة في وقت قصير؟',
  'איך מכינים קפה טורקי בבית?',
  'भारत की सबसे लंबी नदी कौन सी है और वह कहाँ से निकलती है?',
  '東京から京都まで新幹線で何時間かかりますか？チケットはどこで買えますか。',
  '请用简单的语言解释一下量子计算机的工作原理。',
  '서울에서 부산까지 기차로 얼마나 걸리나요?',
  'กรุงเทพฯ มีสถานที่ท่องเที่ยวอะไรบ้าง',
  'İstanbul’da yağmur yağacak mı? Iğdır’da hava nasıl?',
  'Tôi muốn đặt một bàn cho bốn người vào tối thứ bảy.',
  'Great job 👍🏽 — see you at 10:30 ☕️, naïve café “déjà vu” (50 % off) 👩‍👩‍👧‍👦 🇩🇪!',
];

/** 64 texts of `20`, `120` or `2000` words, or 16 of `mixed` scripts: four sentences each. */
export function sampleTexts(name, tokens) {
  if (name === 'mixed') {
    return Array.from({ length: 16 }, (_, i) =>
      [0, 4, 7, 10].map((step) => mixed[(i + step) % mixed.length]).join(' '),
    );
  }
  const count = Number(name);
  return Array.from({ length: count >= 2000 ? 8 : 64 }, (_, i) => english(tokens, count, i + 1));
}
