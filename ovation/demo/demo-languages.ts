/**
 * What the audience says in other languages: right-to-left ones, ones without spaces, ones with
 * long words.
 */

import type { WordLists } from "./grammar.ts";

export interface Language {
  readonly words: WordLists;
  readonly idle: readonly string[];
  readonly short: readonly string[];
  readonly hello: readonly string[];
  readonly burst: readonly string[];
}

export const LANGUAGES = {
  es: {
    words: {
      cosa: ["el cielo", "el lago", "esa luz verde", "el reflejo", "la música"],
      bien: ["precioso", "increíble", "una maravilla", "hipnótico", "pura calma"],
      emo: ["💚", "✨", "😍", "🌌"],
    },
    idle: [
      "{cosa} está {bien} {emo}",
      "no puedo dejar de mirar {cosa}",
      "qué paz, de verdad {emo}",
      "¿soy yo o {cosa} se mueve con el bajo?",
      "estudiando con esto de fondo, mil gracias",
      "{cosa}… {bien}",
    ],
    short: ["qué bonito {emo}", "madre mía", "brutal", "{bien}", "otra vez, por favor"],
    hello: [
      "¡saludos desde {Bogotá|Sevilla|Rosario|Mérida|Quito}! {emo}",
      "buenas noches a todos",
      "recién llego, ¿qué me perdí?",
    ],
    burst: ["¡¡MIREN ESO!!", "¡¡increíble!!", "noooo qué locura {emo}", "¡{cosa}!"],
  },
  pt: {
    words: {
      coisa: ["esse céu", "o lago", "essa luz", "o reflexo na água", "esse som"],
      emo: ["💜", "✨", "🥹", "🌌"],
    },
    idle: [
      "{coisa} é de outro mundo {emo}",
      "que calma que {coisa} dá",
      "trabalhando de madrugada com {coisa} na tela",
      "gente, {coisa} {emo}",
      "alguém mais arrepiado com {coisa}?",
    ],
    short: ["que lindo {emo}", "demais!", "perfeito", "arrepiei", "maravilha {emo}"],
    hello: [
      "oi de {Recife|Porto|Belém|Coimbra|Maputo}! {emo}",
      "boa noite, pessoal",
      "cheguei agora 👋",
    ],
    burst: ["OLHA ISSO", "meu deus {emo}{emo}", "que momento!!", "{coisa}!!!"],
  },
  fr: {
    words: {
      chose: ["le ciel", "le reflet", "ce vert", "la basse", "cette lumière"],
      emo: ["💚", "✨", "😌", "🌠"],
    },
    idle: [
      "{chose}, quelle merveille {emo}",
      "je ne me lasse pas : {chose}…",
      "ça fait du bien après une longue journée {emo}",
      "on dirait que {chose} respire",
      "je devais dormir il y a une heure, puis {chose}",
    ],
    short: ["magnifique", "trop beau {emo}", "ouah", "sublime {emo}", "encore !"],
    hello: [
      "bonsoir de {Lyon|Québec|Dakar|Namur|Lausanne} {emo}",
      "coucou tout le monde",
      "première fois ici, c'est superbe",
    ],
    burst: ["REGARDEZ ÇA", "oh là là {emo}{emo}", "incroyable !!", "quel moment !!"],
  },
  de: {
    words: {
      ding: [
        "der Himmel",
        "das Grün da oben",
        "die Spiegelung im See",
        "dieser Basston",
        "das Nordlicht",
      ],
      emo: ["💚", "✨", "😌", "🌌"],
    },
    idle: [
      "{ding} ist {wirklich|einfach|unfassbar} schön {emo}",
      "eigentlich wollte ich die Steuererklärung machen, aber {ding}…",
      "{ding} beruhigt mich jedes Mal",
      "Feierabendstimmung, {ding} und Tee ☕",
      "schaut mal, {ding}!",
    ],
    short: ["wunderschön", "Gänsehaut", "herrlich {emo}", "so ruhig hier", "mehr davon {emo}"],
    hello: [
      "Grüße aus {Leipzig|Graz|Bern|Kiel|Freiburg} {emo}",
      "guten Abend zusammen",
      "wieder da 👋",
    ],
    burst: ["WAS IST DAS DENN", "unglaublich!! {emo}", "seht ihr das auch?!", "wow wow wow"],
  },
  ja: {
    words: { もの: ["空", "湖", "緑の光", "水面", "この音"], 顔: ["✨", "😌", "💚", "🌌"] },
    idle: [
      "{もの}がきれいすぎる{顔}",
      "{もの}を見てるだけで落ち着く",
      "{もの}、ずっと見ていられる{顔}",
      "作業用に流してます。{もの}最高",
      "夜更かししてよかった{顔}",
    ],
    short: ["きれい…", "すごい{顔}", "鳥肌", "最高です", "癒される〜", "いい音{顔}"],
    hello: ["{札幌|京都|福岡|仙台|那覇}からこんばんは{顔}", "はじめまして！", "今来ました"],
    burst: ["きたーーー！", "やばい{顔}{顔}", "うわあああ", "今の見た？！"],
  },
  ko: {
    words: {
      것: ["하늘", "호수", "초록빛", "이 소리", "물에 비친 빛"],
      표정: ["✨", "💚", "🥹", "🌌"],
    },
    idle: [
      "{것} 진짜 예쁘다 {표정}",
      "{것} 보면서 멍때리는 중",
      "공부하다가 {것}에 빠졌어요",
      "{것} 때문에 잠을 못 자겠네요 {표정}",
    ],
    short: ["와…", "너무 예뻐요 {표정}", "소름", "최고", "힐링 {표정}"],
    hello: ["{부산|전주|제주|대구}에서 인사드려요 {표정}", "안녕하세요 여러분", "처음 왔어요!"],
    burst: ["대박!!!", "와 미쳤다 {표정}{표정}", "방금 봤어요??", "헐"],
  },
  zh: {
    words: { 物: ["天空", "湖面", "这道绿光", "倒影", "这段旋律"], 表情: ["✨", "💚", "😌", "🌌"] },
    idle: [
      "{物}太美了{表情}",
      "一边加班一边看{物}，心情好多了",
      "{物}好像会呼吸一样",
      "看着{物}就不想睡了{表情}",
    ],
    short: ["绝了", "太美了{表情}", "好安静", "起鸡皮疙瘩", "再来一次{表情}"],
    hello: ["{成都|台北|昆明|厦门}的朋友来打卡{表情}", "大家晚上好", "第一次来，好喜欢"],
    burst: ["哇！！！", "快看快看{表情}{表情}", "天哪太震撼了", "{物}！！！"],
  },
  ar: {
    words: {
      شيء: ["السماء", "البحيرة", "هذا الضوء الأخضر", "انعكاس الماء", "هذا اللحن"],
      رمز: ["💚", "✨", "🌌", "😍"],
    },
    idle: [
      "{شيء} جميل جدًا {رمز}",
      "لا أستطيع التوقف عن النظر، {شيء} {رمز}",
      "أدرس للامتحان مع هذا الهدوء، شكرًا لكم",
      "{شيء} يريح القلب",
    ],
    short: ["رائع {رمز}", "ما شاء الله", "جميل جدًا", "يا سلام {رمز}"],
    hello: [
      "تحية من {عمّان|تونس|الرباط|بيروت} {رمز}",
      "مساء الخير للجميع",
      "أول مرة أشاهد البث هنا",
    ],
    burst: ["انظروا!!!", "لا أصدق {رمز}{رمز}", "ما هذا الجمال!", "الله {رمز}"],
  },
  he: {
    words: {
      דבר: ["השמיים", "האגם", "האור הירוק", "ההשתקפות במים", "הצליל הזה"],
      סמל: ["💚", "✨", "🌌"],
    },
    idle: [
      "{דבר} פשוט מהפנט {סמל}",
      "אי אפשר להפסיק להסתכל, {דבר} {סמל}",
      "עובדת עד מאוחר ו{דבר} מציל אותי",
      "איזה שקט {סמל}",
    ],
    short: ["וואו {סמל}", "יפהפה", "צמרמורת", "מושלם {סמל}"],
    hello: ["ערב טוב מ{חיפה|ירושלים|באר שבע} {סמל}", "היי לכולם", "פעם ראשונה פה"],
    burst: ["תראו את זה!!!", "לא ייאמן {סמל}{סמל}", "וואו וואו וואו"],
  },
  hi: {
    words: { चीज़: ["यह आसमान", "यह झील", "हरी रोशनी", "यह धुन"], निशान: ["✨", "💚", "🙏", "😍"] },
    idle: [
      "{चीज़} कितनी सुंदर है {निशान}",
      "रात की शिफ़्ट में {चीज़} का साथ {निशान}",
      "{चीज़} देखते देखते चाय ठंडी हो गई",
      "मन शांत हो गया {निशान}",
    ],
    short: ["वाह {निशान}", "बहुत सुंदर", "कमाल है", "अद्भुत {निशान}"],
    hello: ["{पुणे|जयपुर|इंदौर|पटना} से नमस्ते {निशान}", "सभी को शुभ रात्रि", "पहली बार आया हूँ"],
    burst: ["अरे वाह!!!", "देखो देखो {निशान}{निशान}", "कमाल हो गया!"],
  },
  tr: {
    words: {
      şey: ["gökyüzü", "göl", "şu yeşil ışık", "sudaki yansıma", "bu ses"],
      simge: ["💚", "✨", "🌌", "😌"],
    },
    idle: [
      "{şey} inanılmaz güzel {simge}",
      "{şey} insanı dinlendiriyor",
      "gece vardiyasında {şey} eşlik ediyor {simge}",
      "saatlerdir izliyorum, {şey} bambaşka",
    ],
    short: ["muhteşem {simge}", "vay be", "çok güzel", "tüylerim diken diken"],
    hello: [
      "{İzmir|Ankara|Trabzon|Eskişehir}'den selamlar {simge}",
      "iyi akşamlar herkese",
      "ilk kez geldim",
    ],
    burst: ["ŞUNA BAKIN", "inanılmaz!! {simge}", "vay vay vay {simge}{simge}"],
  },
  uk: {
    words: {
      річ: ["небо", "озеро", "це зелене сяйво", "відбиття у воді", "ця мелодія"],
      знак: ["💚", "✨", "🌌", "🥹"],
    },
    idle: [
      "{річ} — просто диво {знак}",
      "дивлюся й не можу відірватися: {річ}",
      "працюю вночі, а тут {річ} {знак}",
      "як же спокійно {знак}",
    ],
    short: ["неймовірно {знак}", "краса", "мурашки", "ще! {знак}"],
    hello: [
      "вітання з {Львова|Одеси|Полтави|Ужгорода} {знак}",
      "доброго вечора всім",
      "я тут уперше",
    ],
    burst: ["ДИВІТЬСЯ!!!", "ого {знак}{знак}", "не вірю очам"],
  },
  sw: {
    words: { kitu: ["anga", "ziwa", "mwanga huu", "muziki huu"], alama: ["💚", "✨", "🙏"] },
    idle: [
      "{kitu} ni nzuri sana {alama}",
      "natazama tu {kitu}, amani tele",
      "kazi za usiku na {kitu} {alama}",
    ],
    short: ["safi sana {alama}", "maridadi", "ajabu {alama}"],
    hello: ["salamu kutoka {Mombasa|Arusha|Kisumu} {alama}", "habari zenu wote"],
    burst: ["angalieni!!!", "wee! {alama}{alama}", "ajabu kabisa!"],
  },
} as const satisfies Readonly<Record<string, Language>>;

export type LanguageCode = "en" | keyof typeof LANGUAGES;
