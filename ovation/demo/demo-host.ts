/**
 * What the hosts say, and what is asked and answered. The words in braces are those of
 * `demo-texts.ts`.
 */

/** The host, a calm one. */
export const HOST = {
  moment: {
    flare: [
      "There it is. Look {place}.",
      "Here comes the big one {place} ✨",
      "All of you, look up: the {colour} {light} {moves}.",
      "I'll stop talking. Watch {place}.",
    ],
    track: [
      "Next one is new. First time I play it for anyone.",
      "This piece is called “Slow Tide”. Headphones, if you have them.",
      "A quiet one now, for everyone who is up at {hour}.",
      "Let's try something with just the {sound}.",
    ],
    bells: [
      "Bells by request 🔔",
      "A few bells for {city}.",
      "Listen for the bell on the far side of the echo.",
    ],
    thanks: [
      "So many of you tonight. Thank you for being here 💚",
      "Hello to {city}, to {city}, and all who are {doing}.",
      "You are good company, chat.",
    ],
  },
  /** To any other question. */
  answer: [
    "Good question. Ask me again after this piece 🙂",
    "I'll answer that properly when my hands are free.",
    "Let me think about that for one song.",
    "Stay until the break, I'll get to it.",
  ],
  welcome: [
    "Welcome, {name}. Make yourself comfortable 💚",
    "Good to see you, {name}!",
    "{name}, glad you found us ✨",
  ],
  pinned: [
    "Sessions every clear night. Be kind, questions welcome, recordings are up the day after.",
    "Tonight: five pieces, one sky. Tap the heart when you like one 💚",
    "New here? Full screen, headphones, lights off. That's all.",
  ],
} as const;

/** What viewers ask, and what fits as an answer: the host's, and a regular's. */
export interface Question {
  readonly ask: string;
  readonly host: readonly string[];
  readonly regular: readonly string[];
}

export const QUESTIONS: readonly Question[] = [
  {
    ask: "which {gear} is that?",
    host: [
      "An old one, older than me. It hums, I like it.",
      "From a flea market. Forty coins, well spent.",
    ],
    regular: [
      "an old second-hand one, they showed it last week",
      "something from the seventies, I think",
    ],
  },
  {
    ask: "is there a recording {afterwards|later|tomorrow}?",
    host: ["Yes, it goes up tomorrow, below this video.", "Tomorrow around noon, same page."],
    regular: ["yes! usually up the next day", "always, check below the video tomorrow"],
  },
  {
    ask: "how cold is it {there|out there} right now?",
    host: ["Minus eleven, and not a breath of wind.", "Cold enough that the {gear} complains."],
    regular: ["they said minus ten earlier", "cold enough for two pairs of gloves last time {joy}"],
  },
  {
    ask: "where is this lake?",
    host: [
      "Far north, a long way from any road. I'll leave it at that 🙂",
      "A lake without a good road. I'll keep it that way 🙂",
    ],
    regular: [
      "somewhere far up north, they never say exactly {joy}",
      "it's a secret, and rightly so {joy}",
    ],
  },
  {
    ask: "is the {sound} live or looped?",
    host: ["All live. If I slip, you'll hear it 🙂", "Played by hand, then echoed a while."],
    regular: [
      "pretty sure it's all live, it never sounds the same twice",
      "live, you can hear the fingers sometimes",
    ],
  },
  {
    ask: "what's the name of {this piece|this one|the last one}?",
    host: ["“Slow Tide”, for now.", "It has none yet. Suggestions?"],
    regular: ["“Slow Tide”, if I heard right", "I don't think it has one yet"],
  },
  {
    ask: "how long does it go tonight?",
    host: ["Until the sky closes, or my fingers do.", "As long as the {light} stays."],
    regular: ["they said until sunrise last time", "usually a few hours"],
  },
  {
    ask: "are the {violet|purple|pink} ones rarer?",
    host: [
      "A little. Patience, there are some tonight.",
      "They need a stronger night. Like this one.",
    ],
    regular: [
      "green is oxygen, violet is nitrogen, if I remember right",
      "yes, the {violet|purple} ones sit higher up I think",
    ],
  },
  {
    ask: "will there be one next week too?",
    host: ["Same time next week, if the clouds allow.", "If the sky is clear, I'm here."],
    regular: ["every clear night, as far as I know", "yes, unless it's cloudy"],
  },
  {
    ask: "do you plan these or just go with the sky?",
    host: [
      "I plan the first minute. Then the sky decides.",
      "Five ideas on a napkin, the rest is up there.",
    ],
    regular: ["I think it's improvised, mostly", "they said only the start is planned"],
  },
  {
    ask: "what's the line on the water?",
    host: [
      "The music, as you hear it: low notes left, high notes right.",
      "That's the sound itself, drawn on the lake.",
    ],
    regular: ["the spectrum of the music! low on the left", "it moves with the bass, watch it"],
  },
  {
    ask: "can I play this in my {café|classroom|yoga class|shop}?",
    host: ["Please do. Send a picture 🙂", "Gladly, it's free for all."],
    regular: ["they said yes to me last week", "I think it's free to use, it says so below"],
  },
  {
    ask: "how do you keep your hands warm?",
    host: [
      "Tea, gloves without fingers, and slow songs 🙂",
      "I don't. That's why there are so few notes.",
    ],
    regular: ["fingerless gloves, you could see them once {joy}", "that's why it's so slow {joy}"],
  },
  {
    ask: "anyone know how to get into {ambient music|playing by ear|night photography}?",
    host: ["Begin with one note, and wait.", "Start tonight. Badly. It works."],
    regular: [
      "just start, and keep it slow",
      "there's a lovely thread about it in the recordings' comments",
    ],
  },
];
