import stat
from pathlib import Path

import pytest
from identity_svc.adapters.passwords import Argon2Hasher
from identity_svc.adapters.secrets import KeyedSecrets, derive_key, load_master_key
from preau_kernel.ids import TenantId

HASHER = Argon2Hasher(memory_kib=64, iterations=1)


def test_the_master_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    key = load_master_key(folder)
    assert load_master_key(folder) == key
    assert [path.name for path in folder.iterdir()] == ["master.key"]
    assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600


def test_a_broken_master_key_stops_the_service(tmp_path: Path) -> None:
    (tmp_path / "master.key").write_bytes(b"short")
    with pytest.raises(ValueError, match="32 bytes"):
        load_master_key(tmp_path)


def test_keys_of_two_purposes_have_nothing_in_common() -> None:
    assert derive_key(b"k" * 32, "signing keys") != derive_key(b"k" * 32, "fingerprints")


def test_fingerprints_differ_by_town_key_and_part() -> None:
    secrets = KeyedSecrets(b"k" * 32)
    one = secrets.fingerprint(TenantId(1), "address", "192.0.2.1")
    assert one == secrets.fingerprint(TenantId(1), "address", "192.0.2.1")
    others = {
        secrets.fingerprint(TenantId(2), "address", "192.0.2.1"),
        secrets.fingerprint(TenantId(1), "address", "192.0.2.2"),
        secrets.fingerprint(TenantId(1), "address192.0.2.1"),
        KeyedSecrets(b"l" * 32).fingerprint(TenantId(1), "address", "192.0.2.1"),
    }
    assert one not in others
    assert len(others) == 4


def test_a_session_token_has_256_bits() -> None:
    secrets = KeyedSecrets(b"k" * 32)
    assert len(secrets.new_token()) == 43
    assert secrets.new_token() != secrets.new_token()


async def test_a_password_is_verified_against_its_own_hash_only() -> None:
    one = await HASHER.hash("tournesol2718!")
    assert one.startswith("$argon2id$")
    assert await HASHER.verify(one, "tournesol2718!")
    assert not await HASHER.verify(one, "Tournesol2718!")
    assert not await HASHER.verify("not a hash", "tournesol2718!")


async def test_nobody_s_password_is_never_right() -> None:
    assert not await HASHER.verify(None, "nobody has this password")


async def test_hashes_of_a_weaker_profile_are_renewed() -> None:
    stronger = Argon2Hasher(memory_kib=128, iterations=1)
    old = await HASHER.hash("tournesol2718!")
    assert stronger.needs_rehash(old)
    assert not HASHER.needs_rehash(old)
