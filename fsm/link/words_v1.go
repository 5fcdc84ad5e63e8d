package link

// words1 is the list of cluster version 1. It is frozen: replicas of different builds must skip the same ids, so a better
// list is a new one, chosen by a higher cluster version.
var words1 = newWordList(reserved1, offensive1)

const reserved1 = `
api rest admin ui login logout static assets health healthz readyz metrics docs
openapi.json robots.txt favicon.ico sitemap.xml manifest.json .well-known
`

// offensive1 holds words matched anywhere in a code. Short ones are here only if they are hardly ever innocent in seven
// random characters; names of peoples and faiths are not here, slurs for them are.
const offensive1 = `
anal anus arse ass ballsack bastard bdsm bitch biatch blowjob bollock boner boob bugger bukkake buttplug
chink clit cock coon cornhole crap cum cunt
damn dick dildo dago douche dyke ejacul
fag faggot fap felch fellat fck fuck fuk fuq fvck fxck
gangbang goddam gook gyppo handjob hentai hitler hooker horny incest
jackoff jerkoff jizz kike kkk klan knob kunt
masturb milf molest nazi negro nigg nigr nonce nude
orgas orgy paki pecker pedo paedo penis perv phuck piss poon poop porn prick pron prostitut pube pussy
queef queer rape rapist rectum retard rimjob
scat schlong scrot semen sex shag shit sh1t skank slag slut smegma smut snatch sodom spastic spic spunk suck
terroris tit tosser tranny turd twat
vagina viagra vulva wank wetback whore wtf xxx xrated

arsch fick fotze hure hurensohn kacke kanak miststueck muschi neger nutte penner pimmel scheiss schlampe schwanz schwuchtel
spast titten trottel votze wichs wixer
bordel branler connard connasse couille encule enfoire merde negre niquer nique pede putain pute salaud salope tapette
cabron cojone culo follar gilipolla joder maricon mierda panocha pendejo pinche polla puta verga zorra
cagna cazzo coglion culattone fica figa finocchio frocio merda mignotta minchia negro pompino stronz troia vaffan zoccola
boceta buceta caralho cuzao foda foder merda paneleiro piranha piroca porra punheta viado xoxota
flikker hoer homofiel kanker klootzak kut lul mongool neuk pijpen tering tyfus
fitta javla knulla kuk rovhal slyna faen fanden fisse hore luder pikk
helvetti homo huora kyrpa mulkku narttu paska perse perkele pillu vittu
chuj cipa cwel dupa huj jeb kurwa kurwy pedal pierd pizd skurw spierd suka szmat
blyad blyat bliad ebal ebat ebla gandon govno hui huy khuy mudak pidor pizda suchk xuj xuy zalup
amcik gavat ibne kahpe orospu picler siktir sikis yarak yarrak
chikan chinpo kuso manko unko
chutiya bhosd gandu lund madarch randi
`
