"""Words that people search by, and the tags and dimensions they are taken for.

Written by hand: what a word most nearly means among what a model hears. Nobody was asked, so
whoever searches is told what a word was taken for.
"""

from functools import cache

_TABLE = """
dark sad | gloomy bleak dismal dreary grim sombre somber funereal depressing murky
dark | sinister menacing ominous eerie creepy spooky scary haunting evil threatening shadowy noir
dark | horror nocturnal night midnight gothic brooding occult macabre unsettling
dark dramatic | tense suspense suspenseful thriller foreboding anxious nervous uneasy
dark heavy | doom infernal hellish crushing monstrous
sad | unhappy sorrowful tearful mournful grief grieving heartbroken miserable crying weeping blue
sad | tragic lonely lonesome hopeless despair desolate wretched
sad melancholic | wistful rueful pensive bittersweet yearning longing forlorn
melancholic | melancholy nostalgic nostalgia autumn rainy regretful homesick
happy | joyful joyous cheerful glad merry jolly gleeful delighted sunny smiling bright cheery
happy | joy bliss blissful carefree
happy fun | playful bouncy bubbly jaunty perky frolicking
happy upbeat | feelgood lighthearted breezy
fun | amusing entertaining quirky wacky zany cheeky
funny | comic comical comedy humorous humour humor silly goofy slapstick clumsy cartoonish cartoon
calm | peaceful tranquil serene quiet still placid composed untroubled hushed
calm | lullaby sleep sleepy bedtime drowsy
calm relaxing | soothing restful mellow chill chilled chillout laidback unwinding easy easygoing
relaxing | relaxed relax spa massage lounge downtempo
meditative | meditation contemplative zen yoga spiritual mindful hypnotic trance sacred prayer
meditative | reflective mystical monastic
soft | gentle tender delicate light airy mild subtle smooth silky fragile
slow | unhurried sluggish lazy lingering adagio largo lento leisurely dragging
fast | quick rapid speedy swift hurried rushing presto allegro breakneck uptempo
energetic | energy vigorous lively dynamic vibrant spirited pumping driving hyper electrifying
energetic | workout gym running jogging exercise fitness cardio boxing adrenaline
energetic fast | frantic frenetic hectic manic racing
party | dance dancing club disco rave nightlife celebration celebratory festive carnival clubbing
groovy | groove funky funk swinging swing rhythmic
heavy | aggressive angry anger furious rage raging violent brutal harsh hard hostile fierce savage
heavy powerful | loud massive pounding thunderous
powerful | strong mighty forceful intense bold commanding
epic | heroic majestic grand grandiose triumphant victorious victory monumental glorious legendary
epic | hero battle war warlike knights conquest
epic film | cinematic orchestral symphonic blockbuster
action | chase pursuit fight fighting combat explosive
adventure | adventurous quest exploration exploring journey voyage pirate pirates fantasy
dramatic | theatrical operatic turbulent stormy
drama emotional | poignant moving stirring touching heartfelt
emotional | passionate sentimental expressive soulful moody
romantic | romance valentine wedding candlelight dinner amorous intimate
love | loving affectionate affection sweetheart adoring
sexy | sensual seductive sultry erotic steamy flirtatious flirty
dream | dreamy dreamlike ethereal otherworldly surreal hazy floating weightless psychedelic
dream soundscape | celestial
soundscape | ambient atmospheric drone texture textural spacious
space | cosmic spacey galactic interstellar alien futuristic scifi astronomy
deep | profound immersive submerged underwater ocean
nature | natural forest woodland pastoral rural rain birds river countryside outdoors organic
inspiring | inspirational inspired aspirational visionary
hopeful | hope optimistic promising reassuring encouraging
motivational | motivating determined ambitious winning success
uplifting | elevating exalting euphoric euphoria ecstatic soaring
positive | good pleasant affirming
upbeat | peppy catchy snappy
cool | hip stylish slick suave confident swagger
retro | vintage oldschool eighties 80s 70s seventies synthwave throwback
melodic | tuneful lyrical songful melodious singable
ballad | ballads balladry
children | kids childish childlike nursery toddler baby toys playground
christmas | xmas yuletide carol santa advent
holiday | holidays vacation
summer | summery beach tropical surf poolside
travel | road roadtrip driver wanderlust traveling travelling
sport | sports sporty stadium football olympic extreme
game | videogame gaming arcade chiptune 8bit
corporate | business presentation office professional company
commercial | jingle
advertising | advert ad promo
background | unobtrusive elevator muzak study studying focus concentration
documentary | narrative investigative reportage
film | soundtrack score screen
trailer | teaser
valence+ | valence
valence- | negative unpleasant bad
arousal+ | arousal aroused exciting excited excitement stimulating wild
arousal- | unexciting subdued inactive lethargic tired
valence+ arousal+ | exuberant elated thrilled enthusiastic
valence- arousal+ | distressed panicked panic hysterical alarmed
valence- arousal- | bored boring dull
valence+ arousal- | content contented satisfied cosy cozy comfortable
"""


@cache
def words() -> dict[str, tuple[str, ...]]:
    """What each word is taken for: names of tags, and of dimensions with ``+`` or ``-`` behind."""
    table: dict[str, tuple[str, ...]] = {}
    for line in _TABLE.strip().splitlines():
        aims, _, names = line.partition("|")
        for name in names.split():
            table[name] = tuple(aims.split())
    return table
