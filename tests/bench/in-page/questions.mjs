/**
 * Questions as people ask an assistant, generated: what somebody wants, of what, under which circumstance, asked in one of
 * several ways. Two of different content are different questions, however alike; so nothing here is a paraphrase of
 * another but `ways` of the same. Written for this benchmark alone; nothing of the guard was made or tuned with it.
 */
const contents = [
  [
    [
      'bake',
      'freeze',
      'reheat',
      'season',
      'serve',
      'store',
      'slice',
      'pickle',
      'roast',
      'thaw',
      'grill',
      'price',
      'peel',
      'taste',
    ],
    `sourdough bread,a whole salmon,lentil soup,ripe avocados,pork shoulder,rice noodles,cherry tomatoes,wild mushrooms,
    chicken stock,sweet potatoes,banana muffins,goat cheese,green beans,lamb chops,red cabbage,apple pie,fresh basil,
    smoked tofu,egg noodles,beef brisket,walnut cake,pumpkin puree,pizza dough,sushi rice,potato salad`,
    ['for ten guests', 'without an oven', 'on a camping stove', 'the night before', 'for a toddler', 'in winter'],
  ],
  [
    [
      'configure',
      'upgrade',
      'uninstall',
      'debug',
      'monitor',
      'back up',
      'secure',
      'benchmark',
      'migrate',
      'restart',
      'document',
      'audit',
      'rename',
      'stress-test',
    ],
    `a PostgreSQL replica,an Nginx reverse proxy,a Redis cluster,the Docker registry,a Kafka broker,our Jenkins runner,
    a Kubernetes ingress,the mail relay,an LDAP directory,a Samba share,the print server,a MongoDB shard,
    an Elasticsearch index,the VPN gateway,a Grafana dashboard,the DNS resolver,a RabbitMQ queue,the license server,
    a MySQL instance,the load balancer,a Vault cluster,the time server,an FTP mirror,a Consul agent,the wiki`,
    ['on Debian', 'behind a firewall', 'without downtime', 'from a script', 'on a small machine', 'after a crash'],
  ],
  [
    [
      'repair',
      'clean',
      'paint',
      'insulate',
      'measure',
      'replace',
      'dismantle',
      'ventilate',
      'waterproof',
      'sell',
      'photograph',
      'decorate',
      'sand',
      'lock',
    ],
    `a wooden deck,the garage door,an old radiator,the attic stairs,a kitchen sink,the bathroom tiles,a garden shed,
    the roof gutter,a brick chimney,the cellar window,a parquet floor,the front fence,a leaking tap,the balcony railing,
    a spiral staircase,the boiler room,a stone wall,the sliding door,an iron gate,the basement floor,a solar panel,
    the skylight,a shower cabin,the letter box,a greenhouse`,
    ['in a rented flat', 'on a small budget', 'before the rain', 'without a drill', 'for the first time', 'after dark'],
  ],
  [
    [
      'cancel',
      'book',
      'extend',
      'transfer',
      'insure',
      'split',
      'dispute',
      'automate',
      'postpone',
      'shorten',
      'review',
      'gift',
      'find',
      'share',
    ],
    `a gym membership,my train ticket,the car rental,an annual pass,my phone contract,the hotel reservation,
    a museum visit,my electricity plan,the ferry crossing,a language course,my savings plan,the parking permit,
    a magazine subscription,my dental appointment,the airport shuttle,a storage unit,my student loan,the guided tour,
    a concert seat,my library card,the cruise deposit,a tennis court,my travel visa,the moving van,a piano lesson`,
    ['online', 'for two people', 'at short notice', 'from abroad', 'without a fee', 'before the deadline'],
  ],
  [
    [
      'explain',
      'visualise',
      'test',
      'simplify',
      'generalise',
      'memorise',
      'prove',
      'teach',
      'estimate',
      'apply',
      'illustrate',
      'motivate',
      'criticise',
      'derive',
    ],
    `Bayes' theorem,the chain rule,binary search,photosynthesis,the Doppler effect,plate tectonics,gradient descent,
    natural selection,the water cycle,supply and demand,Kirchhoff's laws,standard deviation,the golden ratio,
    enzyme kinetics,dynamic programming,game theory,the Krebs cycle,quantum tunnelling,graph colouring,inflation,
    relative humidity,modular arithmetic,osmosis,the Fourier transform,radioactive decay`,
    ['to a child', 'with one drawing', 'in a lecture', 'with real data', 'on a whiteboard', 'in ten minutes'],
  ],
];
/** Of one question. */
const ways = [
  'How do I {}?',
  'how can i {}',
  'What is the best way to {}?',
  'Can you tell me how to {}?',
  'Please explain how to {}',
  'How should I {}?',
];

function shuffled(list, seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = list.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = state % (i + 1);
    [list[i], list[j]] = [list[j], list[i]];
  }
  return list;
}

/** `stored` and `asked` questions, all different, of 12,250 there are. */
export function questions(stored, asked, seed = 7) {
  const all = contents.flatMap(([verbs, things, circumstances]) =>
    things
      .split(',')
      .flatMap((thing) =>
        verbs.flatMap((verb) => ['', ...circumstances].map((where) => `${verb} ${thing.trim()} ${where}`.trim())),
      ),
  );
  shuffled(all, seed);
  if (stored + asked > all.length) throw new Error(`There are ${all.length} questions.`);
  const worded = all.map((content, i) => ways[(i * 7) % ways.length].replace('{}', content));
  return { stored: worded.slice(0, stored), asked: worded.slice(stored, stored + asked) };
}
