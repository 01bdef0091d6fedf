//! Made-up people's names: family, middle and given names as often as they are met, by sex.

use schemas::id::Sex;

use super::random::Random;

/// A family name.
pub(super) fn family(random: &mut Random) -> &'static str {
    random.weighted(FAMILIES)
}

/// A whole name under a family name.
pub(super) fn full(random: &mut Random, family: &str, sex: Sex) -> String {
    let (middles, givens) = match sex {
        Sex::Female => (MIDDLES_FEMALE, GIVENS_FEMALE),
        Sex::Male | Sex::Undetermined => (MIDDLES_MALE, GIVENS_MALE),
    };
    let given = random.pick(givens);
    loop {
        let middle = random.weighted(middles);
        // nobody is called Minh Minh
        if middle != *given {
            return format!("{family} {middle} {given}");
        }
    }
}

/// An employer's name: kind, trade and proper name.
pub(super) fn employer(random: &mut Random, kind: &str) -> String {
    format!("{kind} {} {}", random.pick(TRADES), random.pick(FIRMS))
}

const FAMILIES: &[(&str, u32)] = &[
    ("Nguyễn", 384),
    ("Trần", 121),
    ("Lê", 95),
    ("Phạm", 70),
    ("Hoàng", 37),
    ("Huỳnh", 28),
    ("Phan", 45),
    ("Vũ", 28),
    ("Võ", 25),
    ("Đặng", 21),
    ("Bùi", 20),
    ("Đỗ", 14),
    ("Hồ", 13),
    ("Ngô", 13),
    ("Dương", 10),
    ("Lý", 5),
    ("Đinh", 8),
    ("Trịnh", 8),
    ("Lương", 6),
    ("Mai", 6),
    ("Cao", 6),
    ("Tạ", 4),
    ("Hà", 5),
    ("Châu", 3),
    ("Lâm", 5),
    ("Quách", 3),
    ("Vi", 3),
    ("Nông", 3),
    ("Lò", 3),
    ("Thạch", 2),
];

const MIDDLES_MALE: &[(&str, u32)] = &[
    ("Văn", 34),
    ("Đức", 10),
    ("Hữu", 8),
    ("Minh", 8),
    ("Quang", 7),
    ("Công", 5),
    ("Đình", 5),
    ("Xuân", 4),
    ("Ngọc", 4),
    ("Thành", 4),
    ("Quốc", 4),
    ("Anh", 3),
    ("Gia", 3),
    ("Trọng", 3),
    ("Tuấn", 2),
];

const MIDDLES_FEMALE: &[(&str, u32)] = &[
    ("Thị", 42),
    ("Ngọc", 10),
    ("Thu", 8),
    ("Thanh", 6),
    ("Thị Ngọc", 5),
    ("Thị Thu", 5),
    ("Minh", 5),
    ("Phương", 5),
    ("Khánh", 4),
    ("Mỹ", 3),
    ("Bảo", 3),
    ("Quỳnh", 3),
];

const GIVENS_MALE: &[&str] = &[
    "An",
    "Anh",
    "Bách",
    "Bảo",
    "Bình",
    "Cường",
    "Dũng",
    "Duy",
    "Đạt",
    "Điệp",
    "Đức",
    "Giang",
    "Hải",
    "Hào",
    "Hậu",
    "Hiếu",
    "Hoà",
    "Hoàng",
    "Hùng",
    "Huy",
    "Hưng",
    "Khang",
    "Khánh",
    "Khoa",
    "Kiên",
    "Lâm",
    "Long",
    "Lộc",
    "Luân",
    "Mạnh",
    "Minh",
    "Nam",
    "Nghĩa",
    "Nhân",
    "Phong",
    "Phú",
    "Phúc",
    "Quân",
    "Quý",
    "Sơn",
    "Tài",
    "Tâm",
    "Tân",
    "Thái",
    "Thắng",
    "Thành",
    "Thiện",
    "Thịnh",
    "Thuận",
    "Tiến",
    "Toàn",
    "Trí",
    "Trung",
    "Trường",
    "Tuấn",
    "Tùng",
    "Việt",
    "Vinh",
    "Vũ",
];

const GIVENS_FEMALE: &[&str] = &[
    "An",
    "Anh",
    "Ánh",
    "Bích",
    "Châu",
    "Chi",
    "Diễm",
    "Diệp",
    "Dung",
    "Duyên",
    "Giang",
    "Hà",
    "Hạnh",
    "Hằng",
    "Hiền",
    "Hoa",
    "Hoà",
    "Hồng",
    "Huệ",
    "Hương",
    "Huyền",
    "Khanh",
    "Lan",
    "Lê",
    "Liên",
    "Linh",
    "Loan",
    "Ly",
    "Mai",
    "My",
    "Nga",
    "Ngân",
    "Nguyệt",
    "Nhi",
    "Nhung",
    "Oanh",
    "Phượng",
    "Quyên",
    "Tâm",
    "Thảo",
    "Thắm",
    "Thơm",
    "Thuỷ",
    "Thư",
    "Thương",
    "Trà",
    "Trang",
    "Trâm",
    "Trinh",
    "Tuyết",
    "Uyên",
    "Vân",
    "Vy",
    "Xuân",
    "Yến",
];

const TRADES: &[&str] = &[
    "May mặc",
    "Xây dựng",
    "Vận tải",
    "Chế biến thuỷ sản",
    "Cơ khí",
    "Điện tử",
    "Thương mại",
    "Dược phẩm",
    "Nông sản",
    "In và bao bì",
    "Gỗ nội thất",
    "Du lịch",
    "Phần mềm",
    "Giày da",
    "Vật liệu",
    "Thực phẩm",
];

const FIRMS: &[&str] = &[
    "Hưng Thịnh",
    "An Phát",
    "Đại Lộc",
    "Minh Quang",
    "Phú Gia",
    "Tân Tiến",
    "Sao Mai",
    "Bình Minh",
    "Hoà Bình",
    "Thành Đạt",
    "Trường Sinh",
    "Kim Ngân",
    "Hải Âu",
    "Vạn Xuân",
    "Đông Á Mẫu",
    "Sơn Hà",
    "Ánh Dương",
    "Cửu Long Mẫu",
    "Thiên Phúc",
    "Hồng Lam",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use schemas::name::PersonName;

    use super::*;

    #[test]
    fn every_name_is_a_name_in_nfc_of_three_or_four_words() {
        let mut random = Random::new(1);
        let mut seen = HashSet::new();
        for round in 0..5_000 {
            let sex = if round % 2 == 0 {
                Sex::Male
            } else {
                Sex::Female
            };
            let family = family(&mut random);
            let name = full(&mut random, family, sex);
            assert_eq!(PersonName::parse(&name).unwrap().as_str(), name);
            assert!((3..=4).contains(&name.split(' ').count()), "{name}");
            seen.insert(name);
        }
        assert!(seen.len() > 2_500, "only {} different names", seen.len());
    }
}
