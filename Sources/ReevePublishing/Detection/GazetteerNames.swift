// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: the Reeve authors

/// Names of the Census of 1990 (U.S. Census Bureau, public domain), written by `Scripts/make-gazetteer`.
enum GazetteerNames {
    /// The most frequent first names that are no words.
    static let first = """
        aaron abigail abraham ada adam addie adele adrian adriana adrienne agnes aida aimee alan albert alberta \
        alberto alejandro alex alexander alexandra alexis alfonso alfred alfredo alice alicia alisha alison allan \
        allen allison alton alvin alyssa amanda amelia amy ana andre andrea andres andrew andy angela angelica \
        angelina angelo angie anita ann anna anne annette annie anthony antoinette antonia antonio archie arlene \
        armando arnold arthur arturo ashley aubrey audrey aurora barbara beatrice becky belinda benjamin bennie \
        benny bernadette bernard bernice bertha bessie beth bethany betsy bettie betty beulah beverly billie billy \
        blake blanca blanche bobbie bobby bonita bradley brandi brandon brenda brent brett brian bridget brittany \
        brittney bruce bryan bryant byron caitlin caleb calvin cameron camille candace candice cara carl carla \
        carlos carlton carmen carole caroline carolyn carrie carroll cary cassandra cassie catherine cathy cecelia \
        cecil cecilia cedric celeste celia cesar charlene charles charlie charlotte chelsea cheri cheryl chris \
        christa christian christie christina christine christopher christy cindy claire clara clarence clark claude \
        claudia clayton cleo clifford clifton clint clinton clyde colin colleen connie constance cora corinne cory \
        courtney craig cristina curtis cynthia damon dana daniel danielle danny darla darlene darrell darren darryl \
        daryl dave david deanna debbie deborah debra delbert delia della delores deloris denise dennis derek derrick \
        desiree devin dewey diana diane dianna dianne dixie dolores dominic dominique donald donna donnie dora \
        doreen doris dorothy dorthy doug douglas duane dustin dwayne dwight earnest ebony eddie edgar edith edmund \
        edna eduardo edward edwin effie eileen elaine eleanor elena elisa elisabeth elizabeth ella ellen ellis elmer \
        eloise elsa elsie elva elvira emily emma enrique eric erica erick erik erika erin erma ernest ernestine \
        ernesto ervin essie estella estelle esther ethel etta eugene eugenia eula eunice eva evan evelyn everett \
        fannie faye felicia felipe felix fern fernando floyd forrest frances francine francis francisca francisco \
        frankie franklin fred freda freddie frederick fredrick gabriel garrett garry gary gayle geneva genevieve \
        geoffrey george gerald geraldine gerard gerardo gertrude gilbert gilberto gina gladys glenda glenn gloria \
        goldie gordon greg gregg gregory gretchen guadalupe guillermo gustavo gwen gwendolyn hannah harold harriet \
        harvey hattie heather hector heidi helen helene henrietta henry herbert herman hilda holly homer horace \
        howard hubert hugh hugo ian ida ignacio ina inez ingrid ira irene irma irving isaac isabel ismael iva ivan \
        jackie jacob jacqueline jacquelyn jaime jake james jamie jan jana jane janelle janet janice janie janis \
        jared jasmine jason javier jean jeanette jeanne jeannette jeannie jeff jeffery jeffrey jenifer jenna jennie \
        jennifer jenny jeremiah jeremy jermaine jerome jesse jessica jessie jesus jewel jewell jill jim jimmie jimmy \
        joan joann joanna joanne jodi jody joe joel joey johanna john johnathan johnnie johnny jon jonathan jonathon \
        jorge jose josefina joseph josephine joshua josie joyce juan juana juanita judith judy julian julie julio \
        julius justin kara karen kari karin karl karla kate katherine kathleen kathryn kathy katie katrina kayla \
        keith kelley kelli kellie kelly kelsey kelvin kendra kenneth kenny kent kerri kerry kevin kimberly kirk \
        krista kristen kristi kristie kristin kristina kristine kristopher kristy krystal kurt kyle lana larry \
        latasha latoya laura laurel lauren laurence laurie laverne lawrence leah leigh lela leland lena lenora leo \
        leon leona leonard leroy lesley leslie lester leticia levi lewis lila lillian lillie linda lindsay lindsey \
        lionel lisa lloyd lois lola lonnie lora loren lorena lorene lorenzo loretta lori lorraine lottie lou louis \
        louise lowell lucas lucia lucille lucinda lucy luis luke lula lupe luther luz lydia lyle lynda lynette lynn \
        lynne mabel mable mack madeline mae maggie malcolm mamie mandy manuel marc marcella marcia marco marcos \
        marcus margaret margarita margie marguerite maria marian marianne marie marilyn marina mario marion marissa \
        marjorie marla marlene marsha marta martha martin marty marvin mary maryann mathew matt matthew mattie maude \
        maureen maurice maxine megan meghan melanie melba melinda melissa melvin meredith merle michael micheal \
        michele michelle miguel mike mildred milton mindy minnie miranda miriam mitchell molly mona monica monique \
        morgan morris muriel myra myrna myron myrtle nadine nancy naomi natalie natasha nathan nathaniel neal neil \
        nellie nelson nettie nicholas nichole nicolas nicole nikki nina noel nora norman olga oliver olivia ollie \
        omar opal ora orlando orville oscar otis owen pablo pam pamela patrice patricia patrick patsy patti patty \
        paul paula paulette pauline pedro peggy perry pete peter philip phillip phyllis preston priscilla rachael \
        rachel rafael ralph ramon ramona randall randolph randy raquel raul raymond reba rebecca rebekah regina \
        reginald rena rene renee rex rhonda ricardo richard rickey ricky rita robbie robert roberta roberto robyn \
        rochelle roderick rodney rodolfo roger roland ronald ronda ronnie roosevelt rosa rosalie rosario rosemarie \
        rosemary rosie ross roxanne roy ruben rudolph rudy rufus russell ruth ryan sabrina sadie sallie sally \
        salvador salvatore samantha sammy samuel sandra santos sara sarah scott sean sergio seth shane shannon shari \
        sharon shaun shawn shawna sheila shelby sheldon shelia shelley shelly sheri sherman sherri sherrie sheryl \
        shirley sidney silvia simon sonia sonja sonya sophia sophie spencer stacey stacie stacy stanley stella \
        stephanie stephen steve steven stuart susan susie suzanne sylvester sylvia tabitha tamara tami tammie tammy \
        tanya tara tasha teresa teri terrance terrence terri terry thelma theodore theresa thomas tiffany timothy \
        tina todd tommie tommy toni tony tonya tracey traci tracie travis trevor tricia trina trisha tyrone valerie \
        vanessa velma vera verna vernon veronica vicki vickie vicky victoria vincent viola virgil vivian wallace \
        walter wanda warren wayne wendell wendy wesley whitney wilbert wilbur willard william willie willis wilma \
        wilson winifred woodrow yolanda yvette yvonne zachary
        """

    /// The most frequent last names.
    static let last = """
        aaron abbott abel abernathy abney abraham abrams abreu acevedo acker ackerman acosta adair adam adams \
        adamson adcock addison adkins adler agee aguilar aguilera aguirre aiken ainsworth akers akins alaniz albert \
        albrecht albright alderman aldrich aldridge alexander alfaro alford ali alicea allard allen alley allison \
        allred alonso alonzo alston altman alvarado alvarez amador amaya ambrose ames amos anaya anders andersen \
        anderson andrade andrew andrews angel anglin anthony aponte applegate aquino aragon arce archer archuleta \
        arellano arevalo arias armstead armstrong arnett arnold arredondo arrington arroyo arsenault arthur artis \
        ash ashby ashcraft asher ashley ashton askew atkins atkinson atwood augustine austin avalos avery avila \
        aviles ayala ayers ayres babb babcock baca bacon baer baez baggett bagley bagwell bailey bain baird baker \
        baldwin bales ball ballard banda banks barajas barbee barber barbosa barbour barclay barfield barger barker \
        barkley barksdale barlow barnard barnes barnett barney barnhart baron barr barrera barrett barrios barron \
        barrow barry barth bartholomew bartlett bartley barton bass bassett bateman bates battle batts bauer baugh \
        baughman baum bauman bautista baxter beach beal beam bean beard bearden beasley beatty beaty beauchamp \
        beaulieu beaver beavers becerra beck becker beckett beckham beckman beckwith beebe begay begley behrens \
        belanger belcher bell bellamy bello beltran benavides benavidez bender benedict benitez benjamin benner \
        bennett benoit benson bentley benton berg berger bergeron bergman berman bermudez bernal bernard bernier \
        bernstein berrios berry bess best betancourt bethea betts beverly beyer biddle bigelow biggs billings \
        billingsley bingham bird bishop black blackburn blackman blackmon blackwell blair blake blakely blalock \
        blanchard blanco bland blank blankenship blanton bledsoe blevins bliss block blocker bloom blount blue blum \
        bobo boggs bohannon bolden boles bolin boling bollinger bolton bond bonds bone bonilla bonner booker boone \
        booth borden bostic boston boswell bouchard boucher boudreau boudreaux bourgeois bourque bowden bowen bowens \
        bower bowers bowie bowles bowling bowman bowser box boyce boyd boyer boykin boyle boyles braden bradford \
        bradley bradshaw brady bragg branch brand brandon brandt branham brannon brantley braswell braun bravo \
        braxton bray breaux breeden brennan brenner brewer brewster bridges briggs bright brink brinkley brinson \
        briscoe britt britton brock bronson brooks broome brothers broughton broussard brower brown browne browning \
        brownlee bruce bruner brunner bruno brunson bryan bryant bryson buchanan buck buckley buckner bueno \
        buffington buford bull bullard bullock bunch bundy bunn burch burchett burden burdick burger burgess burgos \
        burk burke burkett burkhart burks burleson burnett burnette burney burnham burns burr burrell burris \
        burroughs burrows burt burton busby busch bush bustamante butcher butler butterfield butts byers bynum byrd \
        byrne caballero cabral cabrera cagle cahill cain calderon caldwell calhoun call callahan callaway calloway \
        calvert camacho cameron camp campbell campos canales canfield cannon cano cantrell cantu capps carbone \
        cardenas cardona cardwell carey carlisle carlson carlton carmichael carmona carnes carney caron carpenter \
        carr carranza carrasco carrier carrillo carrington carroll carson carter cartwright caruso carver cary case \
        casey cash casillas cason casper cassidy castaneda castellanos castillo castle castro cates cathey caudill \
        causey cavanaugh cavazos cerda cervantes chacon chadwick chamberlain chambers champagne champion chan chance \
        chandler chaney chang chapa chapman chappell charles chase chastain chatman chavarria chavez chavis cheatham \
        cheek chen cheney cheng cherry chester chestnut childers childress childs chin chisholm cho choate choi \
        chong chow christensen christenson christian christiansen christie christopher christy chu chung church \
        churchill cintron cisneros clark clarke clary clay clayton cleary clemens clement clements clemons cleveland \
        clevenger clifford clifton cline clinton cloud cloutier coates coats cobb coburn cochran cockrell cody coe \
        coffey coffman cohen coker colbert colburn colby cole coleman coles coley collazo collier collins colon \
        colvin combs comer compton conklin conley conn connell connelly conner connolly connor connors conrad conroy \
        contreras conway cook cooke cooley coon cooney cooper cope copeland corbett corbin corcoran cordero cordova \
        corey corley cormier cornelius cornell cornett cornish cornwell corona coronado correa cortes cortez cosby \
        costa costello cote cotton cottrell couch coughlin coulter courtney couture covington cowan cowart cox coy \
        coyle crabtree craft craig crain cramer crandall crane craven crawford crawley creech crenshaw crespo crews \
        crisp crist crocker crockett croft cromwell cronin crook crosby cross crouch crouse crow crowder crowe \
        crowell crowley crum crump cruz cuellar cuevas cullen culp culpepper culver cummings cummins cunningham \
        curley curran currie currier curry curtis cutler cyr dahl daigle dailey dale daley dalton daly daniel \
        daniels darby darden darling darnell daugherty davenport david davidson davies davila davis davison dawkins \
        dawson day deal dean deaton decker dejesus delacruz delaney delarosa delatorre deleon delgado deloach delong \
        deluca delvalle dempsey denney dennis dennison denny denson dent denton devine devore dewey dewitt diamond \
        dias diaz dick dickens dickerson dickey dickinson dickson diehl dietrich dietz diggs dill dillard dillon \
        dixon dobbins dobbs dobson dockery dodd dodge dodson doe doherty dolan dominguez donahue donald donaldson \
        donnelly donovan dooley doran dorman dorsey doss dotson doty dougherty doughty douglas douglass dove dow \
        dowd dowdy dowell dowling downey downing downs doyle dozier drake draper drew driscoll driver drummond \
        duarte dube dubois dubose duckworth dudley duff duffy dugan duggan duke dukes dumas dunbar duncan dunham \
        dunlap dunn dunning dupre dupree duran durant durbin durham dutton duvall dwyer dye dyer dykes dyson earl \
        early easley eason east easter eastman eaton ebert echols eckert eddy edge edmond edmonds edmondson edward \
        edwards egan eggleston elam elder eldridge elias elkins eller ellington elliot elliott ellis ellison \
        ellsworth elmore elrod ely emerson emery emmons engel england engle english ennis enriquez epperson epps \
        erickson ernst ervin erwin escamilla escobar escobedo esparza espinosa espinoza esposito esquivel estep \
        estes estrada etheridge eubanks evans everett everhart ewing ezell fagan fair fairchild falcon farley farmer \
        farnsworth farr farrar farrell farrington farris farrow faulk faulkner faust fay felder feldman feliciano \
        felix felton fennell fenton ferguson fernandes fernandez ferrara ferreira ferrell ferris field fields \
        figueroa finch fink finley finn finney fischer fish fisher fisk fitch fitzgerald fitzpatrick flaherty \
        flanagan fleming fletcher flint flood florence flores flowers floyd flynn fogle foley fontaine fontenot \
        foote forbes ford foreman forman forrest forsythe forte fortier fortin fortner fortune foss foster fountain \
        fournier foust fowler fox foy fraley france francis francisco franco frank franklin franks frantz fraser \
        frazier frederick free freeman french frey friedman friend fritz frost fry frye fuentes fugate fuller fulton \
        fultz funk gabriel gaddis gaffney gage gagne gagnon gaines gaither gale galindo gallagher gallant gallardo \
        gallegos gallo galloway galvan gamble gamez gandy gann gannon gant garcia gardiner gardner garland garner \
        garnett garrett garrison garvin gary garza gaskins gaston gates gatlin gauthier gavin gay geary gee geiger \
        gentile gentry george gerber german gibbons gibbs gibson gifford gil gilbert gilchrist giles gill gillespie \
        gillette gilley gilliam gilliland gillis gilman gilmore giordano gipson girard givens glass gleason glenn \
        glover goddard godfrey godwin goetz goff goins gold goldberg golden goldman goldsmith goldstein gomes gomez \
        gonzales gonzalez gooch good goode gooden goodman goodrich goodson goodwin gordon gore gorman goss gossett \
        gould grace grady graf graham granger grant grantham graves gray grayson greco green greenberg greene \
        greenfield greenwood greer gregg gregory gresham grey grier griffin griffith griffiths griggs grigsby grimes \
        grimm grissom grogan gross grossman grove grover groves grubb grubbs gruber guajardo guerra guerrero guevara \
        guidry guillen guillory guinn gunderson gunn gunter gurley gustafson guthrie gutierrez guy guyton guzman \
        haas hacker hackett hadley hagan hagen hager hahn haines hairston hale haley hall ham hamby hamel hamilton \
        hamlin hamm hammer hammond hammonds hammons hampton han hancock hand handy haney hankins hanks hanley hanna \
        hannah hannon hansen hanson harbin harden harder hardin harding hardison hardman hardy hare hargrove harkins \
        harley harlow harman harmon harms harp harper harrell harrington harris harrison harry hart hartley hartman \
        harvey haskins hastings hatch hatcher hatfield hathaway hatton hauser havens hawes hawk hawkins hawks hawley \
        hawthorne hay hayden hayes haynes hays hayward haywood head healy heard hearn heath heaton hebert heck \
        hedrick hein heller helm helms helton hemphill henderson hendricks hendrickson hendrix henley henning henry \
        hensley henson herbert herman hernandez herndon herrera herring herrington herrmann herron herzog hess \
        hester hewitt hiatt hickey hickman hicks hidalgo higginbotham higgins high hightower hill hilliard hillman \
        hills hilton himes hinds hines hinkle hinojosa hinson hinton hirsch hitchcock hite hobbs hobson hodge hodges \
        hoff hoffman hoffmann hogan hogue holbrook holcomb holden holder holland holley holliday hollingsworth \
        hollins hollis holloway holm holman holmes holt holton honeycutt hong hood hook hooker hooks hooper hoover \
        hope hopkins hopper hopson horn horne horner horton hoskins houck hough houle house houser houston howard \
        howe howell howland hoyle hoyt huang hubbard huber huddleston hudgins hudson huerta huey huff huffman \
        huggins hughes hull hummel humphrey humphreys humphries hunt hunter huntley hurd hurley hurst hurt hurtado \
        huston hutchins hutchinson hutchison hutson hutton huynh hyatt hyde hyman ibarra ingram inman irby irizarry \
        irvin irving irwin isaac isaacs isbell isom israel iverson ivey ivy jack jackson jacob jacobs jacobsen \
        jacobson jacques james jameson jamison jansen jaramillo jarrell jarrett jarvis jean jeffers jefferson \
        jeffrey jeffries jenkins jennings jensen jernigan jeter jett jewell jimenez john johns johnson johnston \
        joiner jolly jones jordan jordon jorgensen joseph joy joyce joyner juarez judd jude julian jung justice kahn \
        kaiser kane kang kaplan katz kauffman kaufman kay kearney kearns keating keaton keen keenan keene keith \
        keller kelley kellogg kelly kelsey kemp kendall kendrick kennedy kenney kenny kent kenyon kern kerns kerr \
        kessler key keyes keys khan kidd kilgore killian kilpatrick kim kimball kimble kimbrough kincaid kinder king \
        kinney kinsey kirby kirk kirkland kirkpatrick kiser kitchen klein kline knapp knight knott knowles knox \
        knutson koch koehler koenig kohler kolb kowalski kraft kramer kraus krause krebs krueger kruger kruse kuhn \
        kurtz kuykendall kyle lacey lachance lackey lacy ladd ladner laird lake lam lamar lamb lambert lancaster \
        lance land landers landis landrum landry lane lang lange langford langley langston lanier lankford lapointe \
        lara larkin larsen larson larue lassiter latham lau laughlin lavoie law lawler lawrence laws lawson lawton \
        lay layne layton leach leal leary leavitt leblanc ledbetter ledesma ledford lee leggett lehman lemieux lemon \
        lemons lentz leon leonard leone leslie lester levesque levin levine levy lewis leyva libby light liles lilly \
        lim lin lincoln lind linder lindley lindquist lindsay lindsey link linn linton lipscomb little littlefield \
        littlejohn liu lively livingston lloyd locke lockett lockhart locklear lockwood lofton logan logsdon lomax \
        lombardi lombardo london long longoria loomis looney lopes lopez lord lorenz lott louis love lovelace lovell \
        lovett lowe lowery lowry loyd lozano lucas lucero ludwig lugo lujan luke lumpkin luna lund lundy lunsford \
        lusk luther lutz lyle lyles lyman lynch lynn lyon lyons lytle mabry macdonald mace machado macias mack \
        mackenzie mackey macon madden maddox madison madrid madrigal madsen magana magee maguire mahan maher mahon \
        mahoney main major majors malcolm maldonado mallory malloy malone maloney manley mann manning mansfield \
        manuel maples march marcum marcus marin marino marion mark markham marks marlow marquez marrero marsh \
        marshall martel martin martinez martino marvin marx mason massey masters mata mathews mathis matlock matos \
        matson matthew matthews mattingly mattox mattson mauldin maurer maxwell may mayberry mayer mayes mayfield \
        maynard mayo mays mcadams mcalister mcallister mcarthur mcbride mccabe mccain mccall mccann mccarter \
        mccarthy mccartney mccarty mccauley mcclain mcclellan mcclelland mcclendon mccloud mcclure mccollum mccombs \
        mcconnell mccord mccormack mccormick mccoy mccracken mccrary mccray mccullough mccurdy mcdaniel mcdermott \
        mcdonald mcdonough mcdowell mcduffie mcelroy mcfadden mcfarland mcgee mcghee mcgill mcginnis mcgovern \
        mcgowan mcgrath mcgraw mcgregor mcguire mchenry mchugh mcintosh mcintyre mckay mckee mckenna mckenzie \
        mckinley mckinney mckinnon mcknight mclain mclaughlin mclean mclendon mcleod mcmahan mcmahon mcmanus \
        mcmillan mcmillian mcmullen mcnair mcnally mcnamara mcneal mcneil mcneill mcnulty mcnutt mcpherson mcqueen \
        mcrae mcwhorter mcwilliams mead meade meador meadows means medeiros medina medley medrano meehan meek meeks \
        meier mejia melendez melton melvin mena menard mendez mendoza mercado mercer merchant meredith merrill \
        merritt messer metcalf metz metzger meyer meyers meza michael michaels michaud michel middleton milam miles \
        millard miller milligan mills milner milton mims miner minor minton miranda mitchell mixon mize mobley mock \
        moeller moffett mohr mojica molina monahan monk monroe montalvo montanez montano montes montgomery montoya \
        moody moon mooney moore mora morales moran moreland moreno morey morgan morin morrell morris morrison \
        morrissey morrow morse morton moseley moser moses mosher mosley moss motley mott moulton moya moyer mueller \
        mullen muller mulligan mullins muncy muniz munoz munson murdock murillo murphy murray murrell murry muse \
        myers myles myrick nadeau nagle nance napier naquin nash nava navarro naylor neal needham neely neff negrete \
        negron neil nelson nesbitt nettles neumann newberry newby newcomb newell newman newsom newsome newton ngo \
        nguyen nicholas nichols nicholson nickerson nielsen nielson nieto nieves nix nixon noble nobles noe noel \
        nolan noland nolen norman norris north norton norwood novak nowak noyes nugent numbers nunez nunn oakes \
        oakley obrien ocampo ochoa oconnell oconnor odell odom odonnell ogden ogle oglesby ohara ojeda okeefe oldham \
        oleary olivares olivas oliver olsen olson olvera omalley oneal oneil oneill ornelas orourke orozco orr \
        ortega ortiz osborn osborne osorio otero ott otto ouellette outlaw overstreet overton owen owens pace \
        pacheco pack padgett padilla pagan page paige paine painter palacios palma palmer pappas paquette parent \
        parham paris parish park parker parks parnell parr parra parris parrish parrott parson parsons partridge \
        pate patel patrick patten patterson patton paul paulsen paulson paxton payne payton paz peachey peacock peak \
        pearce pearson pease peck pedersen pederson pelletier pemberton pena pence pendleton penn pennington peoples \
        pepper peralta perdue pereira perez perkins perry perryman person peters petersen peterson pettit petty \
        pfeiffer pham phan phelan phelps phillips phipps pickens pickering pickett pierce pierre pierson pike \
        pimentel pina pineda pinson piper pitt pittman pitts platt plummer poe poindexter poirier polanco polk \
        pollard pollock ponce ponder pool poole pope porter portillo posey post potter potts poulin powell power \
        powers prado prater prather pratt prescott presley pressley preston prewitt price priest prince pringle \
        pritchard pritchett proctor pruett pruitt pryor puckett pugh pullen pulliam purcell purdy purnell purvis \
        putnam pyle qualls quarles queen quezada quick quigley quinn quinones quintana quintanilla quintero quiroz \
        rader radford ragland ragsdale raines rainey rains ralston ramey ramirez ramos ramsey randall randle \
        randolph rangel rankin ransom rapp rasmussen ratcliff ratliff ray raymond rea read reagan reardon reaves \
        rector redd redding redman redmond reece reed reeder reedy rees reese reeves regan reid reilly reiter rendon \
        renner renteria reyes reyna reynolds reynoso rhoades rhoads rhodes rice rich richard richards richardson \
        richey richmond richter ricker ricketts ricks rico riddick riddle rider ridgeway ridley riggins riggs riley \
        rinehart ring rios ritchie ritter rivas rivera rivers rizzo roach roark robb robbins roberson robert roberts \
        robertson robinette robins robinson robison robles roby rocha roche rock rockwell rodgers rodrigues \
        rodriguez rodriquez roe rogers rojas roland rollins roman romano romero romo rooney root roper rosa rosado \
        rosales rosario rosas rose rosen rosenberg rosenthal ross rossi roth rouse roush rowan rowe rowell rowland \
        rowley roy royal rubin rubio rucker rudd rudolph ruff ruffin ruiz runyon rush rushing russ russell russo \
        ruth rutherford rutledge ryan ryder saavedra sadler saenz salas salazar saldana salgado salinas salisbury \
        salmon salter sample sampson sams samuel samuels sanborn sanchez sanders sanderson sandoval sands sanford \
        santana santiago santos sapp sargent satterfield saucedo sauer saunders savage sawyer saylor scales \
        scarborough schaefer schaeffer schafer schaffer schell schilling schmidt schmitt schmitz schneider schofield \
        schrader schreiber schroeder schuler schulte schultz schulz schumacher schuster schwab schwartz schwarz \
        scott scroggins scruggs seal seals seaman sears seay segura seitz selby self sellers serna serrano seward \
        sewell sexton seymour shackelford shafer shaffer shah shanks shannon shapiro sharp sharpe shaver shaw shea \
        shearer sheehan sheets sheffield shelby sheldon shell shelley shelton shepard shepherd sheppard sheridan \
        sherman sherrill sherrod sherwood shields shipley shipman shipp shirley shockley shoemaker shook short \
        shorter shuler shultz siegel sierra sikes silva silver silverman simmons simms simon simons simpkins simpson \
        sims sinclair singer singh singletary singleton sisk sisson sizemore skaggs skelton skidmore skinner slade \
        slater slaughter sledge sloan slone small smalley smalls smallwood smart smiley smith sneed snell snider \
        snodgrass snow snowden snyder solis solomon sommers sorensen sorenson sosa sotelo soto sousa south souza \
        sowell sowers spain spangler spann sparks spaulding spear spears speer spence spencer spicer spivey sprague \
        springer spruill spurlock squires stacy stafford stahl staley stallings stamper stanfield stanford stanley \
        stanton staples stapleton stark starkey starks starnes starr staton stclair stearns steele steen stein \
        steiner stephens stephenson stepp sterling stern stevens stevenson steward stewart stiles still stinson \
        stjohn stockton stoddard stokes stone stoner storey story stout stovall stover strange stratton strauss \
        street streeter strickland stringer strong stroud stuart stubblefield stubbs stump suarez suggs sullivan \
        summers sumner sutherland sutton swafford swain swan swann swanson swartz sweeney sweet swenson swift \
        switzer sykes sylvester tabor tackett talbert talbot talley tan tang tanner tapia tate tatum taylor teague \
        teel temple templeton terrell terry thacker thao tharp thayer thibodeau thibodeaux thigpen thomas thomason \
        thompson thomson thorn thorne thornton thorpe thrasher thurman thurston tidwell tilley tillman timmons \
        tinsley tipton tirado titus tobias tobin todd tolbert tolliver tomlin tomlinson tompkins toney torres torrez \
        toth tovar townsend tracy trahan trammell tran travis traylor trejo trent trevino trimble triplett tripp \
        trotter trout troutman trujillo truong tubbs tucker turner turpin tuttle tyler tyson ulrich underwood unger \
        upchurch upton urban uribe vail valadez valdes valdez valencia valentin valentine valenzuela valle vance \
        vandyke vang vanhorn vann varela vargas varner varney vasquez vaughan vaughn vazquez vega vela velasco \
        velasquez velazquez velez ventura vera vernon vest vick vickers vidal vigil villa villalobos villanueva \
        villarreal villegas vincent vines vinson vogel vogt voss waddell wade waggoner wagner wagoner wahl waite \
        wakefield walden waldron waldrop walker wall wallace waller wallis walls walsh walter walters walton wang \
        ward warden ware warner warren washburn washington waterman waters watkins watson watt watts waugh way \
        weathers weaver webb webber weber webster weeks weems weiner weinstein weir weiss welch weldon weller \
        wellman wells welsh werner wesley west westbrook westfall westmoreland weston wetzel whalen whaley whatley \
        wheat wheatley wheeler whipple whitaker white whitehead whitfield whiting whitley whitlock whitman whitmore \
        whitney whitson whitt whittaker whitten whittington wicker wiggins wilbur wilburn wilcox wilder wiles wiley \
        wilhelm wilkerson wilkes wilkins wilkinson wilks willard willett willey william williams williamson \
        willingham willis willoughby wills wilson windham wing winkler winn winslow winstead winston winter winters \
        wise wiseman withers witherspoon witt wofford wolf wolfe wolff wolford womack wong wood woodall woodard \
        woodruff woods woodson woodward woody wooten workman worley worrell worthington wray wren wright wyatt wylie \
        wyman wynn xiong yancey yanez yang yarbrough yates yazzie ybarra yeager yee yoder york yost young youngblood \
        younger zamora zapata zavala zeigler zepeda ziegler zimmer zimmerman zuniga
        """
}
