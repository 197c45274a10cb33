"""What the law keeps apart is found in seven languages, and what only sounds like it is not."""

from __future__ import annotations

from listkeeper.audience import special_category
from listkeeper.audience.special_category import Category
from listkeeper.foundation import language

C = Category
ASKED: dict[str, dict[Category, tuple[str, ...]]] = {
    "en": {
        C.HEALTH: ("Do you have any allergies?", "Are you pregnant?", "How is your health?", "Are you diabetic?"),
        C.RELIGION: ("What is your religion?", "Do you eat halal?", "Which church do you go to?", "Are you Muslim?"),
        C.UNION: ("Are you in a trade union?", "Are you a union member?", "Labour-union card"),
        C.POLITICS: ("Which political party do you like?", "Who did you vote for?"),
        C.SEX_LIFE: ("What is your sexual orientation?", "Are you gay?"),
        C.ETHNIC_ORIGIN: ("What is your ethnic origin?", "What is your race?", "Your skin colour"),
        C.BIOMETRICS: ("May we keep your fingerprint?", "Have you had a DNA test?"),
        C.CRIME: ("Do you have a criminal record?", "Were you ever convicted?"),
    },
    "da": {
        C.HEALTH: ("Har du allergi?", "Er du gravid?", "Hvordan er dit helbred?", "Har du en sygdom?"),
        C.RELIGION: ("Hvilken religion har du?", "Er du medlem af folkekirken?", "Spiser du halal?"),
        C.UNION: ("Er du medlem af en fagforening?", "Dit fagforbund"),
        C.POLITICS: ("Hvilket politisk parti støtter du?", "Hvem stemte du på?"),
        C.SEX_LIFE: ("Hvad er din seksualitet?", "Er du homoseksuel?"),
        C.ETHNIC_ORIGIN: ("Hvad er din etniske baggrund?", "Din hudfarve"),
        C.BIOMETRICS: ("Må vi få dit fingeraftryk?",),
        C.CRIME: ("Er du tidligere straffet?", "Har du en ren straffeattest?"),
    },
    "nb": {
        C.HEALTH: ("Har du allergi?", "Er du gravid?", "Hvordan er din helse?", "Er du syk?"),
        C.RELIGION: ("Hvilken religion har du?", "Er du kristen?", "Spiser du halal?"),
        C.UNION: ("Er du medlem i en fagforening?", "Er du fagorganisert?"),
        C.POLITICS: ("Hvilket parti liker du?", "Dine politiske meninger"),
        C.SEX_LIFE: ("Hva er din seksuelle legning?", "Er du homofil?"),
        C.ETHNIC_ORIGIN: ("Hva er din etniske bakgrunn?", "Din hudfarge"),
        C.BIOMETRICS: ("Kan vi få fingeravtrykket ditt?",),
        C.CRIME: ("Er du straffedømt?", "Har du ren politiattest?"),
    },
    "sv": {
        C.HEALTH: ("Har du någon allergi?", "Är du gravid?", "Hur är din hälsa?", "Har du en funktionsnedsättning?"),
        C.RELIGION: ("Vilken religion har du?", "Är du kristen?", "Äter du halal?"),
        C.UNION: ("Är du med i facket?", "Vilket fackförbund tillhör du?"),
        C.POLITICS: ("Vilket parti röstar du på?", "Dina politiska åsikter"),
        C.SEX_LIFE: ("Vad är din sexuella läggning?", "Är du homosexuell?"),
        C.ETHNIC_ORIGIN: ("Vad är din etniska bakgrund?", "Din hudfärg"),
        C.BIOMETRICS: ("Får vi ditt fingeravtryck?",),
        C.CRIME: ("Är du dömd för något?", "Finns du i belastningsregistret?"),
    },
    "de": {
        C.HEALTH: (
            "Haben Sie Allergien?",
            "Sind Sie schwanger?",
            "Bei welcher Krankenkasse sind Sie?",
            "Sind Sie krank?",
        ),
        C.RELIGION: ("Welche Konfession haben Sie?", "Sind Sie evangelisch?", "Essen Sie koscher?"),
        C.UNION: ("Sind Sie in einer Gewerkschaft?", "Gewerkschaftsmitglied"),
        C.POLITICS: ("Welche Partei mögen Sie?", "Ihre politische Meinung", "Wen haben Sie gewählt?"),
        C.SEX_LIFE: ("Ihre sexuelle Orientierung?", "Sind Sie homosexuell?"),
        C.ETHNIC_ORIGIN: ("Ihre ethnische Herkunft?", "Ihre Hautfarbe"),
        C.BIOMETRICS: ("Dürfen wir Ihren Fingerabdruck speichern?",),
        C.CRIME: ("Sind Sie vorbestraft?", "Ihr Führungszeugnis"),
    },
    "pl": {
        C.HEALTH: ("Czy masz alergię?", "Czy jesteś w ciąży?", "Jaki jest Twój stan zdrowia?", "Na co chorujesz?"),
        C.RELIGION: ("Jakiego jesteś wyznania?", "Czy jesteś katolikiem?", "Czy jesz halal?"),
        C.UNION: ("Czy należysz do związku zawodowego?", "Związek zawodowy"),
        C.POLITICS: ("Jakie masz poglądy polityczne?", "Na kogo głosujesz?"),
        C.SEX_LIFE: ("Jaka jest Twoja orientacja seksualna?", "Czy jesteś gejem?"),
        C.ETHNIC_ORIGIN: ("Jakie jest Twoje pochodzenie etniczne?", "Kolor skóry"),
        C.BIOMETRICS: ("Czy możemy zapisać odcisk palca?",),
        C.CRIME: ("Czy byłeś karany?", "Zaświadczenie o niekaralności"),
    },
    "ru": {
        C.HEALTH: ("Есть ли у вас аллергия?", "Вы беременны?", "Как ваше здоровье?", "Чем вы болеете?"),
        C.RELIGION: ("Какого вы вероисповедания?", "Вы православный?", "Вы едите халяль?"),
        C.UNION: ("Вы состоите в профсоюзе?",),
        C.POLITICS: ("Каковы ваши политические взгляды?", "За кого вы голосовали?"),
        C.SEX_LIFE: ("Ваша сексуальная ориентация?",),
        C.ETHNIC_ORIGIN: ("Ваша национальность?", "Ваше происхождение?", "Цвет кожи"),
        C.BIOMETRICS: ("Можно сохранить ваш отпечаток пальца?",),
        C.CRIME: ("Есть ли у вас судимость?",),
    },
}
HARMLESS: dict[str, tuple[str, ...]] = {
    "en": (
        "Bread or cakes?",
        "Which flavour did you vote for?",
        "Do you want healthy recipes?",
        "Health food",
        "Crime novels",
        "Do you pay with your credit union card?",
        "Christmas or Easter?",
        "Which shop do you come to: Church Street?",
        "What shall we bake for your birthday party?",
        "Do you like ethnic food?",
        "Rack race or road race?",
        "Pain au chocolat",
        "Blood oranges",
        "Vegetarian, vegan or everything?",
        "Gluten-free bread",
        "Running shoes: your size?",
        "Golf handicap",
        "Iris or tulips?",
        "Sixteen or sexteen?",
        "Western Union",
        "European Union",
        "Jewellery",
        "What is your star sign: Cancer?",
        "Is it for a man or a woman?",
        "Which day suits you: Monday?",
        "Hypoallergenic creams",
    ),
    "da": (
        "Brød eller kager?",
        "Hvilken race er din hund?",
        "Hvilken smag stemte du på?",
        "Jul eller påske?",
        "Seks boller eller tolv?",
        "Hvilken butik bruger du: Kirkegade?",
        "Helsekost",
        "Golfhandicap",
        "Krimi eller romaner?",
        "Hvad er din størrelse?",
        "Sund frokost",
        "Vegetar, veganer eller alt?",
        "Hvor bor du henne: postnummer?",
        "Et parti rødvin",
        "Valg af kaffe",
    ),
    "nb": (
        "Brød eller kaker?",
        "Hvilken rase er hunden din?",
        "Hvilken smak stemte du på?",
        "Jul eller påske?",
        "Seks boller?",
        "Hvilken butikk bruker du: Kirkegata?",
        "Helsekost",
        "Krim eller romaner?",
        "Hvilken størrelse har du?",
        "Sunn lunsj",
        "Et parti vin",
        "Vegetar eller alt?",
    ),
    "sv": (
        "Bröd eller kakor?",
        "Vilken hundras har du?",
        "Jul eller påsk?",
        "Sex bullar eller tolv?",
        "Kräftor till kräftskivan?",
        "Vilken butik: Kyrkogatan?",
        "Hälsokost",
        "Deckare eller romaner?",
        "Vilken storlek har du?",
        "Sjukt goda kakor",
        "Hylla eller fack?",
        "Vegetariskt eller allt?",
        "Recept på bullar",
    ),
    "de": (
        "Brot oder Kuchen?",
        "Welche Hunderasse haben Sie?",
        "Weihnachten oder Ostern?",
        "Christstollen",
        "Sechs Brötchen?",
        "Welche Filiale: Kirchstraße?",
        "Krimi oder Roman?",
        "Welche Größe haben Sie?",
        "Gesunde Rezepte",
        "Krebssuppe",
        "Schwüle Tage",
        "Vegetarisch oder alles?",
        "Eine Party zum Geburtstag",
        "Hypoallergene Cremes",
        "Rezepte für Brot",
        "Kirschen",
    ),
    "pl": (
        "Chleb czy ciasto?",
        "Jakiej rasy psa masz?",
        "Boże Narodzenie czy Wielkanoc?",
        "Na który smak głosowałaś?",
        "Zdrowe przepisy",
        "Kryminały czy powieści?",
        "Jaki masz rozmiar?",
        "Raki czy krewetki?",
        "Polityka prywatności",
        "Wegetariańskie czy wszystko?",
        "Związek chemiczny",
        "Partia wina",
        "Sześć bułek",
    ),
    "ru": (
        "Хлеб или торты?",
        "Какой породы ваша собака?",
        "Рождество или Пасха?",
        "За какой вкус вы голосовали?",
        "Здоровая еда",
        "Детективы или романы?",
        "Какой у вас размер?",
        "Кофе какого происхождения вы любите?",
        "Раки или креветки?",
        "Партия вина",
        "Вегетарианское или всё?",
        "Расписание",
        "Рассказы",
        "Политика конфиденциальности",
    ),
}


def test_every_language_has_every_category() -> None:
    assert set(special_category.languages()) == set(language.LANGUAGES) == set(ASKED) == set(HARMLESS)
    assert {code: set(found) for code, found in ASKED.items()} == {code: set(Category) for code in ASKED}


def test_what_is_asked_for_is_found() -> None:
    for code, by_category in ASKED.items():
        for category, texts in by_category.items():
            for text in (*texts, *map(str.upper, texts)):
                found = special_category.find(text, code)
                assert found is not None, (code, text)
                assert found.category is category, (code, text, found)


def test_what_only_sounds_like_it_passes() -> None:
    found = [(code, text, special_category.find(text, code)) for code, texts in HARMLESS.items() for text in texts]
    assert len(found) > 100
    assert [each for each in found if each[2] is not None] == []


def test_the_owner_is_told_which_word_and_why() -> None:
    found = special_category.find("Har du en nøddeallergi?", "da")
    assert found is not None
    assert found.word == "nøddeallergi"
    assert "GDPR Art. 9" in found.sentence
    assert "health" in found.sentence
