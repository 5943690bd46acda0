//! Places that people live at: position, weight by population and activity, and the amateur prefix of the country.
//! Public facts, put together by us.

/// A city.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    pub(crate) weight: f64,
    pub(crate) prefix: &'static str,
}

const fn p(latitude: f64, longitude: f64, weight: f64, prefix: &'static str) -> Place {
    Place { latitude, longitude, weight, prefix }
}

#[rustfmt::skip]
pub(crate) const PLACES: &[Place] = &[
    p(51.51, -0.13, 9.5, "G"), // London
    p(52.49, -1.89, 2.5, "G"), // Birmingham
    p(53.48, -2.24, 2.7, "M"), // Manchester
    p(53.80, -1.55, 1.9, "G"), // Leeds
    p(55.86, -4.25, 1.7, "MM"), // Glasgow
    p(55.95, -3.19, 0.9, "GM"), // Edinburgh
    p(51.48, -3.18, 1.1, "MW"), // Cardiff
    p(51.45, -2.59, 0.8, "G"), // Bristol
    p(54.60, -5.93, 0.7, "GI"), // Belfast
    p(53.35, -6.26, 1.4, "EI"), // Dublin
    p(51.90, -8.47, 0.4, "EI"), // Cork
    p(48.86, 2.35, 11.0, "F"), // Paris
    p(45.76, 4.84, 2.3, "F"), // Lyon
    p(43.30, 5.37, 1.8, "F"), // Marseille
    p(43.60, 1.44, 1.3, "F"), // Toulouse
    p(50.63, 3.06, 1.2, "F"), // Lille
    p(44.84, -0.58, 1.2, "F"), // Bordeaux
    p(47.22, -1.55, 1.0, "F"), // Nantes
    p(48.57, 7.75, 0.8, "F"), // Strasbourg
    p(50.85, 4.35, 2.1, "ON"), // Brussels
    p(51.22, 4.40, 1.1, "ON"), // Antwerp
    p(51.05, 3.72, 0.6, "ON"), // Ghent
    p(52.37, 4.90, 2.5, "PA"), // Amsterdam
    p(51.92, 4.48, 1.8, "PD"), // Rotterdam
    p(52.09, 5.12, 0.7, "PE"), // Utrecht
    p(53.22, 6.57, 0.4, "PA"), // Groningen
    p(49.61, 6.13, 0.5, "LX"), // Luxembourg
    p(52.52, 13.40, 4.5, "DL"), // Berlin
    p(53.55, 9.99, 2.9, "DL"), // Hamburg
    p(48.14, 11.58, 2.9, "DB"), // Munich
    p(50.94, 6.96, 2.1, "DK"), // Cologne
    p(50.11, 8.68, 2.5, "DF"), // Frankfurt
    p(48.78, 9.18, 2.2, "DG"), // Stuttgart
    p(51.05, 13.74, 1.0, "DL"), // Dresden
    p(51.34, 12.37, 0.9, "DO"), // Leipzig
    p(49.45, 11.08, 1.2, "DH"), // Nuremberg
    p(52.37, 9.73, 1.1, "DJ"), // Hanover
    p(53.08, 8.80, 0.8, "DC"), // Bremen
    p(51.51, 7.47, 2.4, "DD"), // Dortmund
    p(51.31, 9.50, 0.5, "DL"), // Kassel
    p(54.09, 12.10, 0.4, "DL"), // Rostock
    p(48.21, 16.37, 2.2, "OE"), // Vienna
    p(47.07, 15.44, 0.6, "OE"), // Graz
    p(48.31, 14.29, 0.6, "OE"), // Linz
    p(47.81, 13.04, 0.4, "OE"), // Salzburg
    p(47.27, 11.39, 0.4, "OE"), // Innsbruck
    p(47.38, 8.54, 1.4, "HB9"), // Zurich
    p(46.20, 6.14, 0.9, "HB9"), // Geneva
    p(46.95, 7.45, 0.6, "HB9"), // Bern
    p(47.56, 7.59, 0.7, "HB9"), // Basel
    p(45.46, 9.19, 4.3, "IZ"), // Milan
    p(41.90, 12.50, 3.8, "IK"), // Rome
    p(45.07, 7.69, 1.7, "IW"), // Turin
    p(40.85, 14.27, 2.2, "IU"), // Naples
    p(44.49, 11.34, 0.9, "IZ"), // Bologna
    p(45.44, 12.32, 0.7, "IK"), // Venice
    p(38.12, 13.36, 0.9, "IT"), // Palermo
    p(40.42, -3.70, 6.2, "EA"), // Madrid
    p(41.39, 2.17, 5.0, "EA"), // Barcelona
    p(39.47, -0.38, 1.6, "EB"), // Valencia
    p(37.39, -5.98, 1.3, "EA"), // Seville
    p(43.26, -2.93, 0.9, "EA"), // Bilbao
    p(38.72, -9.14, 2.8, "CT"), // Lisbon
    p(41.15, -8.61, 1.7, "CT"), // Porto
    p(55.68, 12.57, 1.4, "OZ"), // Copenhagen
    p(56.16, 10.20, 0.5, "OZ"), // Aarhus
    p(59.33, 18.07, 1.6, "SM"), // Stockholm
    p(57.71, 11.97, 1.0, "SA"), // Gothenburg
    p(55.60, 13.00, 0.7, "SM"), // Malmo
    p(59.91, 10.75, 1.1, "LA"), // Oslo
    p(60.39, 5.32, 0.5, "LA"), // Bergen
    p(63.43, 10.40, 0.3, "LA"), // Trondheim
    p(60.17, 24.94, 1.3, "OH"), // Helsinki
    p(61.50, 23.79, 0.4, "OH"), // Tampere
    p(60.45, 22.27, 0.4, "OH"), // Turku
    p(65.01, 25.47, 0.3, "OH"), // Oulu
    p(59.44, 24.75, 0.5, "ES"), // Tallinn
    p(56.95, 24.11, 0.7, "YL"), // Riga
    p(54.69, 25.28, 0.6, "LY"), // Vilnius
    p(52.23, 21.01, 2.7, "SP"), // Warsaw
    p(50.06, 19.94, 1.4, "SQ"), // Krakow
    p(50.26, 19.02, 2.2, "SP"), // Katowice
    p(51.11, 17.03, 1.0, "SP"), // Wroclaw
    p(52.41, 16.93, 0.9, "SQ"), // Poznan
    p(54.35, 18.65, 1.0, "SP"), // Gdansk
    p(50.08, 14.44, 2.1, "OK"), // Prague
    p(49.20, 16.61, 0.6, "OK"), // Brno
    p(48.15, 17.11, 0.7, "OM"), // Bratislava
    p(47.50, 19.04, 2.5, "HA"), // Budapest
    p(46.06, 14.51, 0.5, "S5"), // Ljubljana
    p(45.81, 15.98, 1.1, "9A"), // Zagreb
    p(43.51, 16.44, 0.3, "9A"), // Split
    p(44.79, 20.45, 1.5, "YU"), // Belgrade
    p(42.70, 23.32, 1.4, "LZ"), // Sofia
    p(44.43, 26.10, 2.1, "YO"), // Bucharest
    p(46.77, 23.62, 0.5, "YO"), // Cluj
    p(37.98, 23.73, 3.2, "SV"), // Athens
    p(40.64, 22.94, 1.0, "SV"), // Thessaloniki
    p(41.01, 28.98, 9.0, "TA"), // Istanbul
    p(39.93, 32.86, 4.5, "TA"), // Ankara
    p(50.45, 30.52, 2.5, "UR"), // Kyiv
    p(55.76, 37.62, 7.0, "RA"), // Moscow
    p(59.93, 30.34, 3.5, "RA"), // Petersburg
    p(55.03, 82.92, 1.2, "R9"), // Novosibirsk
    p(56.84, 60.61, 1.2, "R9"), // Yekaterinburg
    p(64.15, -21.94, 0.2, "TF"), // Reykjavik
    p(40.71, -74.01, 15.0, "K"), // NewYork
    p(42.36, -71.06, 5.0, "W"), // Boston
    p(39.95, -75.17, 5.0, "KB"), // Philadelphia
    p(38.91, -77.04, 5.0, "KC"), // Washington
    p(39.29, -76.61, 2.5, "KD"), // Baltimore
    p(33.75, -84.39, 5.5, "N"), // Atlanta
    p(35.23, -80.84, 2.5, "KE"), // Charlotte
    p(35.78, -78.64, 1.8, "KF"), // Raleigh
    p(25.76, -80.19, 5.5, "K"), // Miami
    p(28.54, -81.38, 2.5, "W"), // Orlando
    p(27.95, -82.46, 3.0, "KJ"), // Tampa
    p(41.88, -87.63, 8.5, "K"), // Chicago
    p(42.33, -83.05, 4.0, "W"), // Detroit
    p(41.50, -81.69, 2.0, "N"), // Cleveland
    p(39.96, -83.00, 2.0, "KD"), // Columbus
    p(40.44, -80.00, 2.2, "WA"), // Pittsburgh
    p(39.77, -86.16, 2.0, "KB"), // Indianapolis
    p(38.63, -90.20, 2.6, "K"), // StLouis
    p(39.10, -94.58, 2.1, "W"), // KansasCity
    p(44.98, -93.27, 3.3, "KC"), // Minneapolis
    p(43.04, -87.91, 1.5, "N"), // Milwaukee
    p(32.78, -96.80, 6.5, "K"), // Dallas
    p(29.76, -95.37, 6.3, "W"), // Houston
    p(30.27, -97.74, 2.0, "KG"), // Austin
    p(29.42, -98.49, 2.3, "N"), // SanAntonio
    p(39.74, -104.99, 2.8, "K"), // Denver
    p(40.76, -111.89, 1.2, "W"), // SaltLake
    p(33.45, -112.07, 4.5, "KE"), // Phoenix
    p(32.22, -110.97, 1.0, "N"), // Tucson
    p(36.17, -115.14, 2.0, "K"), // LasVegas
    p(34.05, -118.24, 12.0, "K"), // LosAngeles
    p(32.72, -117.16, 3.2, "W"), // SanDiego
    p(37.77, -122.42, 4.5, "N"), // SanFrancisco
    p(37.34, -121.89, 2.0, "KJ"), // SanJose
    p(38.58, -121.49, 2.2, "K"), // Sacramento
    p(36.75, -119.77, 1.0, "KM"), // Fresno
    p(45.52, -122.68, 2.3, "W"), // Portland
    p(47.61, -122.33, 3.7, "K"), // Seattle
    p(47.66, -117.43, 0.6, "N"), // Spokane
    p(43.62, -116.20, 0.7, "KF"), // Boise
    p(36.16, -86.78, 1.9, "W"), // Nashville
    p(29.95, -90.07, 1.2, "K"), // NewOrleans
    p(61.22, -149.90, 0.4, "KL"), // Anchorage
    p(21.31, -157.86, 0.9, "KH6"), // Honolulu
    p(43.65, -79.38, 6.0, "VE"), // Toronto
    p(45.50, -73.57, 4.0, "VA"), // Montreal
    p(45.42, -75.70, 1.4, "VE"), // Ottawa
    p(49.90, -97.14, 0.8, "VE"), // Winnipeg
    p(51.05, -114.07, 1.4, "VE"), // Calgary
    p(53.55, -113.49, 1.3, "VA"), // Edmonton
    p(49.28, -123.12, 2.5, "VE"), // Vancouver
    p(44.65, -63.57, 0.4, "VE"), // Halifax
    p(19.43, -99.13, 12.0, "XE"), // MexicoCity
    p(20.66, -103.35, 4.0, "XE"), // Guadalajara
    p(25.69, -100.32, 4.0, "XE"), // Monterrey
    p(14.63, -90.51, 2.0, "TG"), // Guatemala
    p(9.93, -84.08, 1.5, "TI"), // SanJoseCR
    p(23.11, -82.37, 2.0, "CO"), // Havana
    p(18.47, -66.11, 2.0, "KP4"), // SanJuan
    p(4.71, -74.07, 6.0, "HK"), // Bogota
    p(10.48, -66.90, 2.5, "YV"), // Caracas
    p(-0.18, -78.47, 1.5, "HC"), // Quito
    p(-12.05, -77.04, 6.0, "OA"), // Lima
    p(-23.55, -46.63, 14.0, "PY"), // SaoPaulo
    p(-22.91, -43.17, 8.0, "PY"), // Rio
    p(-25.43, -49.27, 2.5, "PY"), // Curitiba
    p(-30.03, -51.23, 2.5, "PY"), // PortoAlegre
    p(-15.79, -47.88, 3.0, "PT"), // Brasilia
    p(-12.97, -38.50, 2.5, "PY"), // Salvador
    p(-34.60, -58.38, 10.0, "LU"), // BuenosAires
    p(-31.42, -64.18, 1.6, "LU"), // Cordoba
    p(-34.90, -56.16, 1.5, "CX"), // Montevideo
    p(-33.45, -70.67, 5.0, "CE"), // Santiago
    p(35.68, 139.69, 16.0, "JA"), // Tokyo
    p(34.69, 135.50, 9.0, "JH"), // Osaka
    p(35.18, 136.91, 5.0, "JR"), // Nagoya
    p(43.06, 141.35, 2.0, "JE"), // Sapporo
    p(33.59, 130.40, 2.5, "JF"), // Fukuoka
    p(38.27, 140.87, 1.5, "JG"), // Sendai
    p(34.39, 132.46, 1.5, "JI"), // Hiroshima
    p(37.57, 126.98, 8.0, "HL"), // Seoul
    p(35.18, 129.08, 3.0, "HL"), // Busan
    p(25.03, 121.57, 5.0, "BV"), // Taipei
    p(22.32, 114.17, 4.0, "VR2"), // HongKong
    p(31.23, 121.47, 6.0, "BH"), // Shanghai
    p(39.90, 116.41, 6.0, "BG"), // Beijing
    p(23.13, 113.26, 5.0, "BD"), // Guangzhou
    p(13.76, 100.50, 9.0, "HS"), // Bangkok
    p(18.79, 98.98, 1.0, "E2"), // ChiangMai
    p(3.139, 101.69, 5.0, "9M"), // KualaLumpur
    p(1.35, 103.82, 3.0, "9V"), // Singapore
    p(-6.21, 106.85, 10.0, "YB"), // Jakarta
    p(-7.26, 112.75, 3.0, "YC"), // Surabaya
    p(-6.92, 107.62, 3.0, "YD"), // Bandung
    p(14.60, 120.98, 6.0, "DU"), // Manila
    p(28.61, 77.21, 5.0, "VU"), // Delhi
    p(19.08, 72.88, 5.0, "VU"), // Mumbai
    p(12.97, 77.59, 3.0, "VU"), // Bangalore
    p(25.20, 55.27, 2.0, "A6"), // Dubai
    p(32.09, 34.78, 2.0, "4X"), // TelAviv
    p(-26.20, 28.05, 4.0, "ZS"), // Johannesburg
    p(-33.92, 18.42, 2.5, "ZS"), // CapeTown
    p(-29.86, 31.02, 1.5, "ZS"), // Durban
    p(-1.29, 36.82, 1.0, "5Z"), // Nairobi
    p(30.04, 31.24, 2.0, "SU"), // Cairo
    p(33.57, -7.59, 1.0, "CN"), // Casablanca
    p(-33.87, 151.21, 5.0, "VK"), // Sydney
    p(-37.81, 144.96, 4.8, "VK"), // Melbourne
    p(-27.47, 153.03, 2.5, "VK"), // Brisbane
    p(-31.95, 115.86, 2.0, "VK"), // Perth
    p(-34.93, 138.60, 1.4, "VK"), // Adelaide
    p(-36.85, 174.76, 1.6, "ZL"), // Auckland
    p(-41.29, 174.78, 0.5, "ZL"), // Wellington
    p(-43.53, 172.64, 0.5, "ZL"), // Christchurch
];

/// Open water off busy coasts, where boats go.
#[rustfmt::skip]
pub(crate) const WATERS: &[(f64, f64)] = &[
    (50.6, -1.0),
    (51.6, 2.6),
    (54.1, 7.4),
    (54.5, 11.2),
    (55.3, 14.5),
    (59.2, 19.6),
    (59.9, 25.0),
    (43.0, 5.0),
    (41.1, 2.6),
    (44.8, 13.0),
    (37.5, 23.9),
    (40.7, 28.0),
    (38.4, -9.8),
    (57.3, 10.9),
    (60.1, 4.4),
    (40.3, -73.4),
    (42.3, -70.5),
    (38.6, -76.4),
    (25.5, -79.9),
    (27.6, -83.4),
    (29.0, -94.6),
    (33.6, -118.6),
    (37.5, -122.9),
    (47.8, -122.45),
    (42.5, -87.2),
    (42.2, -81.3),
    (34.9, 139.9),
    (34.4, 135.0),
    (35.0, 129.4),
    (-33.9, 151.6),
    (-38.2, 144.7),
    (-36.7, 175.1),
    (-23.4, -43.2),
    (-34.8, -57.6),
    (22.1, 114.4),
    (1.1, 104.2),
];
