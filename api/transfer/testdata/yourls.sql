-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: yourls
-- ------------------------------------------------------

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;

DROP TABLE IF EXISTS `yourls_log`;
CREATE TABLE `yourls_log` (
  `click_id` int(11) NOT NULL AUTO_INCREMENT,
  `shorturl` varchar(100) NOT NULL,
  PRIMARY KEY (`click_id`)
) ENGINE=InnoDB;
INSERT INTO `yourls_log` VALUES (1,'it''s; (not a link)'),(2,'yourls');

DROP TABLE IF EXISTS `yourls_url`;
CREATE TABLE `yourls_url` (
  `keyword` varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT '',
  `url` text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `title` text DEFAULT NULL,
  `timestamp` timestamp NOT NULL DEFAULT current_timestamp(),
  `ip` varchar(41) NOT NULL,
  `clicks` int(10) unsigned NOT NULL,
  PRIMARY KEY (`keyword`),
  KEY `ip` (`ip`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;

LOCK TABLES `yourls_url` WRITE;
/*!40000 ALTER TABLE `yourls_url` DISABLE KEYS */;
INSERT INTO `yourls_url` VALUES ('docs','https://example.com/docs?a=(1);b','It\'s the \"docs\"\nand more','2023-01-02 03:04:05','127.0.0.1',7),('x1','https://example.com/it''s',NULL,'0000-00-00 00:00:00','::1',0),
('hex',0x68747470733A2F2F6578616D706C652E636F6D2F68,_utf8mb4'Hex \\ back','2023-01-02 03:04:06','10.0.0.1',1);
INSERT IGNORE INTO `yourls_url` (`url`, `keyword`, `clicks`) VALUES
('https://example.com/two', 'two', 2);
UNLOCK TABLES;

-- Dump completed on 2024-01-01  0:00:00
